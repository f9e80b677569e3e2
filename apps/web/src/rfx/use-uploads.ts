import type { OutgoingFile, Rfx, RfxDocument } from '@nokkel/client'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'

export interface Upload {
  readonly id: string
  readonly file: OutgoingFile
  /** The document it takes the place of. */
  readonly replaces: RfxDocument | undefined
  readonly state: 'waiting' | 'running' | 'failed'
  /** Bytes that are stored. */
  readonly done: number
  /** Bytes that were stored when an earlier attempt was interrupted. */
  readonly resumed: number
  readonly code: ErrorCode | undefined
}

export interface Uploads {
  readonly list: readonly Upload[]
  /** How many were finished, to be announced. */
  readonly finished: number
  add(files: readonly OutgoingFile[], replaces?: RfxDocument): void
  /** Stops it, or takes it off the list. */
  cancel(id: string): void
  retry(id: string): void
}

/** Uploads documents one after another. Leaving the project stops them; the same file goes on where it stopped. */
export function useUploads(rfx: Rfx): Uploads {
  const queries = useQueryClient()
  const [list, setList] = useState<readonly Upload[]>([])
  const [finished, setFinished] = useState(0)
  const controllers = useRef(new Map<string, AbortController>())
  const change = (id: string, changed: Partial<Upload>) =>
    setList((present) => present.map((upload) => (upload.id === id ? { ...upload, ...changed } : upload)))
  const remove = (id: string) => setList((present) => present.filter((upload) => upload.id !== id))

  useEffect(() => {
    const running = controllers.current
    return () => {
      for (const controller of running.values()) controller.abort()
    }
  }, [])

  const next = list.some(({ state }) => state === 'running') ? undefined : list.find(({ state }) => state === 'waiting')
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is begun is begun once
  useEffect(() => {
    if (next) void upload(next)
  }, [next?.id])

  async function upload({ id, file, replaces }: Upload) {
    const controller = new AbortController()
    controllers.current.set(id, controller)
    change(id, { state: 'running', code: undefined })
    try {
      await rfx.addDocument(file, {
        signal: controller.signal,
        onProgress: ({ done }) => change(id, { done }),
        onResumed: (resumed) => change(id, { resumed }),
        ...(replaces && { replaces: replaces.id }),
      })
      remove(id)
      setFinished((count) => count + 1)
      await queries.invalidateQueries({ queryKey: ['rfx', 'content', rfx.id, 'documents'] })
    } catch (error) {
      if (controller.signal.aborted) remove(id)
      else change(id, { state: 'failed', code: codeOf(error) })
    } finally {
      controllers.current.delete(id)
    }
  }

  return {
    list,
    finished,
    add: (files, replaces) =>
      setList((present) => [
        ...present,
        ...files.map((file) => ({
          id: crypto.randomUUID(),
          file,
          replaces,
          state: 'waiting' as const,
          done: 0,
          resumed: 0,
          code: undefined,
        })),
      ]),
    cancel(id) {
      const controller = controllers.current.get(id)
      if (controller) controller.abort()
      else remove(id)
    },
    retry: (id) => change(id, { state: 'waiting', done: 0, resumed: 0 }),
  }
}

import { NokkelError, type WorkOptions, type Progress as WorkProgress } from '@nokkel/client'
import { useEffect, useRef, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'

export type Work<T> =
  | { state: 'asking' }
  | { state: 'running'; progress: WorkProgress | undefined }
  | { state: 'done'; result: T }
  | { state: 'failed'; code: ErrorCode | undefined; data: NokkelError['data'] }

/** Runs something once at a time, with its progress and a way to stop; leaving the page stops it too. */
export function useWork<T>(run: (options: WorkOptions) => Promise<T>, onSettled?: () => Promise<void>) {
  const [work, setWork] = useState<Work<T>>({ state: 'asking' })
  const controller = useRef<AbortController>(undefined)
  // A second click comes before what it would see is drawn.
  const running = useRef(false)

  useEffect(() => () => controller.current?.abort(), [])

  async function start(onDone?: (result: T) => void) {
    if (running.current) return
    running.current = true
    controller.current = new AbortController()
    setWork({ state: 'running', progress: undefined })
    try {
      const result = await run({
        signal: controller.current.signal,
        onProgress: (progress) => setWork({ state: 'running', progress }),
      })
      // What looks again and fails says so itself.
      await onSettled?.().catch(() => undefined)
      setWork({ state: 'done', result })
      onDone?.(result)
    } catch (error) {
      const data = error instanceof NokkelError ? error.data : undefined
      setWork({ state: 'failed', code: codeOf(error), data })
      await onSettled?.().catch(() => undefined)
    } finally {
      running.current = false
    }
  }

  return {
    ...work,
    start: (onDone?: (result: T) => void) => void start(onDone),
    stop: () => controller.current?.abort(),
  }
}

import type { MovedWraps, RegenerationOptions, RegenerationProgress } from '@nokkel/client'
import { useEffect, useRef, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'

/** What gives everything a new key, or what is left of it. */
export type Renew = (options: RegenerationOptions) => Promise<Renewed>

/** With how many project keys were marked, when the old key was reported. */
export type Renewed = MovedWraps & { readonly compromisedVersions?: number }

type Renewal =
  | { state: 'asking' }
  | { state: 'running'; progress: RegenerationProgress | undefined }
  | { state: 'done'; result: Renewed }
  | { state: 'failed'; code: ErrorCode | undefined }

/** Runs it once, with its progress and a way to stop; leaving the page stops it too. */
export function useRenewal(renew: Renew, onSettled: () => void) {
  const [renewal, setRenewal] = useState<Renewal>({ state: 'asking' })
  const controller = useRef<AbortController>(undefined)

  useEffect(() => () => controller.current?.abort(), [])

  async function start() {
    controller.current = new AbortController()
    setRenewal({ state: 'running', progress: undefined })
    try {
      const result = await renew({
        signal: controller.current.signal,
        onProgress: (progress) => setRenewal({ state: 'running', progress }),
      })
      setRenewal({ state: 'done', result })
    } catch (error) {
      setRenewal({ state: 'failed', code: codeOf(error) })
    }
    onSettled()
  }

  return { ...renewal, start: () => void start(), stop: () => controller.current?.abort() }
}

import type { ExportedData } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useEffect, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'

const keptMilliseconds = 5 * 60_000
const unseenMilliseconds = 60_000

export type Exporting =
  | { readonly state: 'idle' | 'working' | 'saved' | 'let_go' }
  | { readonly state: 'ready'; readonly exported: ExportedData }
  | { readonly state: 'failed'; readonly code: ErrorCode | undefined }

/**
 * Everything held on the person, the number in full with it, in the memory of one component alone: until it is saved in
 * both forms, for five minutes at most, and not where nobody has looked for a minute. It goes with the page, and so
 * with the session and when it locks.
 *
 * @param isTooOld - Told of a failure; whether it is to be mended by a newer login.
 */
export function useExport(isTooOld: (error: unknown) => boolean) {
  const { privacy } = useNokkel()
  const [exporting, setExporting] = useState<Exporting>({ state: 'idle' })
  const ready = exporting.state === 'ready'

  useEffect(() => {
    if (!ready) return
    const letGo = () => setExporting({ state: 'let_go' })
    const timer = setTimeout(letGo, keptMilliseconds)
    let unseen: ReturnType<typeof setTimeout> | undefined
    function look() {
      clearTimeout(unseen)
      unseen = document.visibilityState === 'hidden' ? setTimeout(letGo, unseenMilliseconds) : undefined
    }
    look()
    document.addEventListener('visibilitychange', look)
    window.addEventListener('pagehide', letGo)
    return () => {
      clearTimeout(timer)
      clearTimeout(unseen)
      document.removeEventListener('visibilitychange', look)
      window.removeEventListener('pagehide', letGo)
    }
  }, [ready])

  async function start() {
    setExporting({ state: 'working' })
    try {
      setExporting({ state: 'ready', exported: await privacy.exportData() })
    } catch (error) {
      setExporting(isTooOld(error) ? { state: 'idle' } : { state: 'failed', code: codeOf(error) })
    }
  }

  return { exporting, start: () => void start(), finish: () => setExporting({ state: 'saved' }) }
}

import { useNokkel } from '@nokkel/client/react'
import { useEffect, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'

const shownMilliseconds = 60_000

export type WholePersonnummer =
  | { readonly state: 'hidden' | 'loading' | 'hidden_again' }
  | { readonly state: 'shown'; readonly digits: string }
  | { readonly state: 'failed'; readonly code: ErrorCode | undefined }

/**
 * The kept number in full, for its owner, for a minute at most. It is in the memory of one component alone: not in a
 * query, which outlives the page.
 *
 * @param isTooOld - Told of a failure; whether it is to be mended by a newer login.
 */
export function useWholePersonnummer(isTooOld: (error: unknown) => boolean) {
  const { identity } = useNokkel()
  const [whole, setWhole] = useState<WholePersonnummer>({ state: 'hidden' })
  const shown = whole.state === 'shown'
  const hide = () => setWhole({ state: 'hidden_again' })

  useEffect(() => {
    if (!shown) return
    const hide = () => setWhole({ state: 'hidden_again' })
    const left = () => document.visibilityState === 'hidden' && hide()
    const timer = setTimeout(hide, shownMilliseconds)
    document.addEventListener('visibilitychange', left)
    window.addEventListener('pagehide', hide)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', left)
      window.removeEventListener('pagehide', hide)
    }
  }, [shown])

  async function show() {
    setWhole({ state: 'loading' })
    try {
      const digits = await identity.revealPersonnummer()
      // Whoever has left meanwhile does not see who is looking now.
      setWhole(document.visibilityState === 'visible' ? { state: 'shown', digits } : { state: 'hidden_again' })
    } catch (error) {
      setWhole(isTooOld(error) ? { state: 'hidden' } : { state: 'failed', code: codeOf(error) })
    }
  }

  return { whole, show: () => void show(), hide }
}

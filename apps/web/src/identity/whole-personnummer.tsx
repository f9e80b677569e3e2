import { Button } from '@digdir/designsystemet-react'
import { EyeIcon, EyeSlashIcon } from '@navikt/aksel-icons'
import { useNokkel } from '@nokkel/client/react'
import { useEffect, useState } from 'react'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { type FreshLogin, FreshLoginNeeded } from '../login/fresh-login.tsx'
import * as m from '../paraglide/messages.js'

const shownMilliseconds = 60_000

type Showing =
  | { state: 'hidden' | 'loading' | 'hidden_again' }
  | { state: 'shown'; digits: string }
  | { state: 'failed'; code: ErrorCode | undefined }

/**
 * The kept number in full, for its owner, for a minute at most. It is in the memory of this component alone: not in a query, which outlives the page.
 */
export function WholePersonnummer({ fresh }: { fresh: FreshLogin }) {
  const { identity } = useNokkel()
  const [showing, setShowing] = useState<Showing>({ state: 'hidden' })
  const shown = showing.state === 'shown'

  useEffect(() => {
    if (!shown) return
    const hide = () => setShowing({ state: 'hidden_again' })
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
    setShowing({ state: 'loading' })
    try {
      const digits = await identity.revealPersonnummer()
      // Whoever has left meanwhile does not see who is looking now.
      setShowing(document.visibilityState === 'visible' ? { state: 'shown', digits } : { state: 'hidden_again' })
    } catch (error) {
      setShowing(fresh.isTooOld(error) ? { state: 'hidden' } : { state: 'failed', code: codeOf(error) })
    }
  }

  return (
    <>
      {shown && (
        <p className="personnummer-whole">
          <span className="ds-sr-only">{m.pnr_whole()}: </span>
          <span className="personnummer">{`${showing.digits.slice(0, 6)} ${showing.digits.slice(6)}`}</span>
        </p>
      )}
      <p role="status" className={shown ? 'row-note' : 'ds-sr-only'}>
        {shown && m.pnr_shown()}
        {showing.state === 'hidden_again' && m.pnr_hidden()}
      </p>
      <div className="actions">
        <Button
          variant="secondary"
          loading={showing.state === 'loading'}
          onClick={() => (shown ? setShowing({ state: 'hidden_again' }) : fresh.freshly(() => void show()))}
        >
          {shown ? <EyeSlashIcon aria-hidden /> : showing.state !== 'loading' && <EyeIcon aria-hidden />}
          {shown ? m.pnr_hide() : showing.state === 'loading' ? m.pnr_showing() : m.pnr_show()}
        </Button>
      </div>
      {fresh.tooOld && <FreshLoginNeeded why={m.fresh_body()} />}
      {showing.state === 'failed' && <Problem code={showing.code} />}
    </>
  )
}

import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { useNokkel, useSession } from '@nokkel/client/react'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { useCallback, useEffect, useRef, useState } from 'react'
import { type ErrorCode, explain } from '../components/explain.ts'
import { providerName } from '../components/format.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Waiting } from '../components/waiting.tsx'
import { LoginFailure } from '../login/login-failure.tsx'
import { NeedsLinking } from '../login/needs-linking.tsx'
import { lastFirst, useLoginIn, useLogins } from '../login/use-logins.ts'
import * as m from '../paraglide/messages.js'
import { useWays } from '../queries/organizations.ts'
import { useLocale } from '../settings/locale.ts'
import { BiometricIcon } from './biometric-icon.tsx'

/** Why a device did not open, where it may be that it never will. */
const ofDevice: readonly ErrorCode[] = ['biometrics_cancelled', 'biometrics_unavailable', 'unlock_failed']

/** Stands in place of every page while the session is locked: nothing of the person, and each way on. */
export function LockPage() {
  useLocale()
  const linking = useLoginIn('needs_linking')
  return <div className="page page-narrow">{linking ? <NeedsLinking login={linking} /> : <Unlock />}</div>
}

function Unlock() {
  const { biometrics } = useNokkel()
  const { reason } = useSession().state
  const { pathname, search } = useLocation()
  const returnTo = pathname === '/login' ? search.to : pathname
  const failed = useLoginIn('error')
  const [running, setRunning] = useState(false)
  const failure = running ? undefined : reason

  const unlock = useCallback(async () => {
    setRunning(true)
    // Why it is still locked is in the state of the session.
    await biometrics.unlock().catch(() => undefined)
    setRunning(false)
  }, [biometrics])
  useOnceSeen(unlock)

  return (
    <>
      <div className="lock-head">
        <span className="enrollment-icon">
          <BiometricIcon />
        </span>
        <PageHeading>{m.lock_title()}</PageHeading>
      </div>
      <Paragraph>{m.lock_body()}</Paragraph>
      {failed && <LoginFailure login={failed} returnTo={returnTo} />}
      {failure && (
        <Alert data-color="warning" role="alert" className="notice">
          <Heading level={2} data-size="2xs">
            {m.lock_failed_title()}
          </Heading>
          <div className="notice-body">
            <Paragraph>{failure === 'biometrics_cancelled' ? m.lock_cancelled() : explain(failure)}</Paragraph>
            {ofDevice.includes(failure) && <Paragraph>{m.lock_elsewhere()}</Paragraph>}
            <Paragraph className="code">{m.error_code({ code: failure })}</Paragraph>
          </div>
        </Alert>
      )}
      {running && <Waiting reason={m.lock_working()} />}
      <div className="actions">
        <Button loading={running} onClick={() => void unlock()}>
          {failure ? m.try_again() : m.lock_unlock()}
        </Button>
      </div>
      <OtherWays returnTo={returnTo} />
    </>
  )
}

/** Asks once by itself, as soon as the page is the one that the person looks at. */
function useOnceSeen(unlock: () => Promise<void>): void {
  const asked = useRef(false)
  useEffect(() => {
    function look() {
      if (asked.current || document.visibilityState !== 'visible' || !document.hasFocus()) return
      asked.current = true
      void unlock()
    }
    look()
    document.addEventListener('visibilitychange', look)
    window.addEventListener('focus', look)
    return () => {
      document.removeEventListener('visibilitychange', look)
      window.removeEventListener('focus', look)
    }
  }, [unlock])
}

/** To log in instead, with what was used last first, or to leave. */
function OtherWays({ returnTo }: { returnTo: string | undefined }) {
  const { state, signOut } = useSession()
  const navigate = useNavigate()
  const offered = useWays()
  const [leaving, setLeaving] = useState(false)
  const ways = lastFirst(useLogins(), state.lastProvider).filter(({ provider }) =>
    offered.some(({ id }) => id === provider),
  )

  async function leave() {
    setLeaving(true)
    // Who logs out on purpose does not ask to come back; the next one here may be somebody else.
    await navigate({ to: '/login', replace: true })
    try {
      await signOut()
    } finally {
      setLeaving(false)
    }
  }

  return (
    <section className="stack" aria-labelledby="other-ways">
      <Heading id="other-ways" level={2} data-size="2xs">
        {m.lock_other_title()}
      </Heading>
      <div className="actions">
        {ways.map((login) => (
          <Button
            key={login.provider}
            variant="secondary"
            onClick={() => void login.signIn({ returnTo }).catch(() => undefined)}
          >
            {m.login_instead({ provider: providerName(login.provider) })}
          </Button>
        ))}
        <Button variant="tertiary" loading={leaving} onClick={() => void leave()}>
          {leaving ? m.signing_out() : m.sign_out()}
        </Button>
      </div>
      <Paragraph data-size="sm">{m.lock_leave_help()}</Paragraph>
    </section>
  )
}

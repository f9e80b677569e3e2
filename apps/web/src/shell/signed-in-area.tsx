import { useSession } from '@nokkel/client/react'
import { Outlet, useLocation } from '@tanstack/react-router'
import { Fragment, useEffect, useRef, useState } from 'react'
import { Enrollment } from '../biometrics/enrollment.tsx'
import { useInUse } from '../biometrics/use-in-use.ts'
import { Waiting } from '../components/waiting.tsx'
import { usePersonnummerQuestion } from '../identity/personnummer-question.tsx'
import { KeyAttention } from '../keys/key-attention.tsx'
import { AfterLogin } from '../login/after-login.tsx'
import { LoginFailure } from '../login/login-failure.tsx'
import { useLoginIn } from '../login/use-logins.ts'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { Redirect } from './redirect.tsx'
import { StartFailed } from './start-failed.tsx'

/** Pages that need a session. Where there is none, the person logs in and comes back to the same page. */
export function SignedInArea() {
  useLocale()
  const { state } = useSession()
  const { pathname } = useLocation()
  const wasSignedIn = useRef(false)
  const signedIn = state.status === 'signed_in'
  const failed = useLoginIn('error')
  const [enrolling, setEnrolling] = useState(false)
  useInUse()
  const personnummer = usePersonnummerQuestion()
  useEffect(() => {
    if (signedIn) wasSignedIn.current = true
  }, [signedIn])

  switch (state.status) {
    case 'signed_in':
      return (
        // What one person's page remembers is not for the next one.
        <Fragment key={state.me?.id}>
          {failed && (failed.state.purpose === 'login' || pathname !== '/account') && (
            <div className="page page-notice">
              <LoginFailure login={failed} returnTo={pathname} />
            </div>
          )}
          {state.me && <AfterLogin me={state.me} />}
          {personnummer.element}
          {state.me && <Enrollment me={state.me} waits={personnummer.undecided} onAsking={setEnrolling} />}
          <KeyAttention waits={personnummer.asking || enrolling || pathname === '/account/erase'} />
          <Outlet />
        </Fragment>
      )
    case 'error':
      return <StartFailed reason={state.reason} />
    case 'signed_out':
      // Who logs out on purpose does not ask to come back; the next one here may be somebody else. Nor is there anything to come back to for who was erased.
      return (
        <Redirect
          to="/login"
          returnTo={(wasSignedIn.current && !state.notice) || state.notice === 'account_erased' ? undefined : pathname}
        />
      )
    default:
      return <Waiting reason={m.starting()} />
  }
}

import { useSession } from '@nokkel/client/react'
import { Outlet, useLocation } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { Waiting } from '../components/waiting.tsx'
import { KeyAttention } from '../keys/key-attention.tsx'
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
  useEffect(() => {
    if (signedIn) wasSignedIn.current = true
  }, [signedIn])

  switch (state.status) {
    case 'signed_in':
      return (
        <>
          <KeyAttention />
          <Outlet />
        </>
      )
    case 'error':
      return <StartFailed reason={state.reason} />
    case 'signed_out':
      // Who logs out on purpose does not ask to come back; the next one here may be somebody else.
      return <Redirect to="/login" returnTo={wasSignedIn.current && !state.notice ? undefined : pathname} />
    case 'loading':
    case 'awaiting_callback':
      return <Waiting reason={m.leaving()} />
    default:
      return <Waiting reason={m.starting()} />
  }
}

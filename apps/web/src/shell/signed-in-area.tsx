import { useSession } from '@nokkel/client/react'
import { Navigate, Outlet, useLocation } from '@tanstack/react-router'
import { Waiting } from '../components/waiting.tsx'
import { KeyAttention } from '../keys/key-attention.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { StartFailed } from './start-failed.tsx'

/** Pages that need a session. Where there is none, the person logs in and comes back to the same page. */
export function SignedInArea() {
  useLocale()
  const { state } = useSession()
  const { pathname } = useLocation()

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
      return <Navigate to="/login" search={{ to: pathname }} replace />
    case 'loading':
    case 'awaiting_callback':
      return <Waiting reason={m.leaving()} />
    default:
      return <Waiting reason={m.starting()} />
  }
}

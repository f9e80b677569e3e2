import { useSession } from '@nokkel/client/react'
import { useLocation } from '@tanstack/react-router'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { isCoordinator } from '../role.ts'
import { useLocale } from '../settings/locale.ts'
import { Redirect } from '../shell/redirect.tsx'
import { StartFailed } from '../shell/start-failed.tsx'

/** The front door: to the login, or to the page a person of this role works on. */
export function HomePage() {
  useLocale()
  const { state } = useSession()
  const { afterLogin } = useLocation().state
  if (state.status === 'error') return <StartFailed reason={state.reason} />
  if (state.status === 'signed_out') return <Redirect to="/login" />
  if (state.status !== 'signed_in' || !state.me) return <Waiting reason={m.starting()} />
  return <Redirect to={isCoordinator(state.me.role) ? '/sent' : '/inbox'} afterLogin={afterLogin} />
}

import { Button } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { useLocation } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'

/** The way to a login that is new enough, and back to this page. */
export function LogInAgain() {
  const { state, signIn } = useSession()
  const { pathname } = useLocation()
  const provider = state.me?.session.provider
  if (!provider) return null
  return (
    <Button variant="secondary" onClick={() => void signIn(provider, { returnTo: pathname }).catch(() => undefined)}>
      {m.login_again()}
    </Button>
  )
}

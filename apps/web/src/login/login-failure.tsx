import { Button } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { useLocation, useNavigate } from '@tanstack/react-router'
import { providerName } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useWays } from '../queries/organizations.ts'
import { type ProviderLogin, useLoginIn, useLogins } from './use-logins.ts'

interface LoginFailureProps {
  login: ProviderLogin
  returnTo?: string | undefined
  /** Whether it says itself that it failed. Default `true`. */
  titled?: boolean
}

/** Why a login or a link was not completed, "Try again" from where it was, and the other way in. */
export function LoginFailure({ login, returnTo, titled = true }: LoginFailureProps) {
  const navigate = useNavigate()
  const { state: session, signIn } = useSession()
  const { pathname } = useLocation()
  const { reason, purpose } = login.state
  const offered = useWays()
  const other = useLogins().find(
    ({ provider }) => provider !== login.provider && offered.some(({ id }) => id === provider),
  )
  const linking = useLoginIn('needs_linking')
  const mine = session.me?.session.provider
  const tooOld = reason === 'login_too_old'
  const gone = tooOld || reason === 'provider_unavailable' || reason === 'login_assurance_too_low'

  function retry() {
    void login.retry().catch(() => undefined)
  }
  async function chooseAnother() {
    await login.cancel()
    await navigate({ to: '/login' })
  }

  return (
    <Problem
      code={reason}
      {...(titled && { title: purpose === 'link' ? m.link_failed_title() : m.login_failed_title() })}
    >
      <div className="actions">
        {!gone && (
          <Button variant="secondary" onClick={retry}>
            {reason === 'login_scope_refused' ? m.login_without_personnummer() : m.try_again()}
          </Button>
        )}
        {tooOld && mine && (
          <Button
            variant="secondary"
            onClick={() => void signIn(mine, { returnTo: '/account' }).catch(() => undefined)}
          >
            {m.login_again()}
          </Button>
        )}
        {purpose === 'login' && !linking && other && (
          <Button variant="secondary" onClick={() => void other.signIn({ returnTo }).catch(() => undefined)}>
            {m.login_instead({ provider: providerName(other.provider) })}
          </Button>
        )}
        {reason === 'login_not_member' && pathname !== '/login' && (
          <Button variant="secondary" onClick={() => void chooseAnother()}>
            {m.login_other_organization()}
          </Button>
        )}
        {session.status === 'signed_in' && (
          <Button variant="tertiary" onClick={() => void login.cancel()}>
            {m.login_failure_close()}
          </Button>
        )}
      </div>
    </Problem>
  )
}

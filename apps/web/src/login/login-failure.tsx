import { Button, Paragraph } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { useLocation, useNavigate } from '@tanstack/react-router'
import type { ErrorCode } from '../components/explain.ts'
import { providerName } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useWays } from '../queries/organizations.ts'
import type { LinkFailure } from './link-failure.ts'
import { type ProviderLogin, useLoginIn, useLogins } from './use-logins.ts'

interface LoginFailureProps {
  login: ProviderLogin
  /** What is told when the login itself does not know any more. */
  kept?: LinkFailure | undefined
  returnTo?: string | undefined
  /** Whether it says itself that it failed. Default `true`. */
  titled?: boolean
  onClose?: () => void
}

/** What the same login once more would end in, too. */
const endsAsBefore: ReadonlySet<ErrorCode> = new Set([
  'login_too_old',
  'login_assurance_too_low',
  'login_not_member',
  'login_of_other_account',
  'provider_unavailable',
  'provider_misconfigured',
])

/** What nobody can mend by the same provider, so they look for another. */
const closed: ReadonlySet<ErrorCode> = new Set(['provider_unavailable', 'provider_misconfigured'])

/** Why a login or a link was not completed, "Try again" from where it was, and the other way in. */
export function LoginFailure({ login, kept, returnTo, titled = true, onClose }: LoginFailureProps) {
  const navigate = useNavigate()
  const { state: session } = useSession()
  const { pathname } = useLocation()
  const { reason = kept?.reason } = login.state
  const purpose = kept ? 'link' : login.state.purpose
  const offered = useWays()
  const other = useLogins().find(
    ({ provider }) => provider !== login.provider && offered.some(({ id }) => id === provider),
  )
  const linking = useLoginIn('needs_linking')

  function retry() {
    void login.retry().catch(() => undefined)
  }
  async function close() {
    await login.cancel()
    onClose?.()
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
      {purpose === 'login' && !other && reason && closed.has(reason) && <Paragraph>{m.login_no_other()}</Paragraph>}
      <div className="actions">
        {!(reason && endsAsBefore.has(reason)) && (
          <Button variant="secondary" onClick={retry}>
            {reason === 'login_scope_refused' ? m.login_without_personnummer() : m.try_again()}
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
          <Button variant="tertiary" onClick={() => void close()}>
            {m.login_failure_close()}
          </Button>
        )}
      </div>
    </Problem>
  )
}

import { Button, Paragraph } from '@digdir/designsystemet-react'
import { useNokkel, useSession } from '@nokkel/client/react'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { takeCallbackUrl } from '../callback-url.ts'
import { backToOrganization, chooseOrganization } from '../client.ts'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { providerName } from '../components/format.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { LoginFailure } from '../login/login-failure.tsx'
import { NeedsLinking } from '../login/needs-linking.tsx'
import { useLoginIn, useLogins } from '../login/use-logins.ts'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { Redirect } from '../shell/redirect.tsx'

/** Of no login that was begun here: whoever made the URL may be a stranger. */
const strange: readonly (ErrorCode | undefined)[] = ['login_lost', 'login_state_mismatch']

/** Where BankID and Vipps send the browser back. Ends at home, or in one clear state with a way on. */
export function CallbackPage() {
  useLocale()
  const nokkel = useNokkel()
  const navigate = useNavigate()
  const session = useSession().state
  const { provider, organization } = useParams({ from: '/callback/$provider/$organization' })
  const [failure, setFailure] = useState<{ code: ErrorCode | undefined }>()
  const login = useLogins().find((one) => one.provider === provider)
  const waiting = useLoginIn('needs_linking')

  const started = useRef(false)
  useEffect(() => {
    if (started.current) return
    started.current = true
    const url = takeCallbackUrl()
    if (!url) {
      backToOrganization()
      void navigate({ to: '/', replace: true })
      return
    }
    // What is asked right after a login is loaded meanwhile; what does not load now is loaded then.
    void nokkel.biometrics.capability().catch(() => undefined)
    void nokkel.identity.checkPersonnummer('').catch(() => undefined)
    nokkel.auth.completeSignIn(url).then(
      ({ state }) => {
        if (state.status !== 'awaiting_callback') chooseOrganization(organization)
      },
      (error: unknown) => {
        const code = codeOf(error)
        setFailure({ code })
        if (strange.includes(code)) backToOrganization()
      },
    )
  }, [nokkel, navigate, organization])

  if (!login) return <Redirect to="/" />
  const { status, purpose, reason } = login.state
  const before = session.status === 'signed_in' ? '/account' : '/login'

  async function cancel() {
    await login?.cancel()
    await navigate({ to: before, replace: true })
  }

  if (status === 'authenticated') return <Redirect to={login.state.returnTo ?? '/'} afterLogin={purpose === 'login'} />
  if (waiting && (waiting.provider === provider || status === 'error')) {
    return (
      <div key="linking" className="page page-narrow">
        <NeedsLinking login={waiting} />
      </div>
    )
  }
  if (status === 'error' && purpose === 'link') return <Redirect to="/account" linkFailure={{ provider, reason }} />
  if (status === 'error' || (failure && failure.code !== 'cancelled')) {
    return (
      <div key="failed" className="page page-narrow">
        <PageHeading>{purpose === 'link' ? m.link_failed_title() : m.login_failed_title()}</PageHeading>
        {status === 'error' ? <LoginFailure login={login} titled={false} /> : <Problem code={failure?.code} />}
        <Link to={before} className="ds-link back">
          {before === '/account' ? m.menu_account_page() : m.login_other_ways()}
        </Link>
      </div>
    )
  }
  return (
    <div className="page page-narrow">
      <PageHeading>{purpose === 'link' ? m.callback_linking_title() : m.callback_title()}</PageHeading>
      <Waiting reason={m.callback_working({ provider: providerName(provider) })} />
      <Paragraph>{m.callback_cancel_help()}</Paragraph>
      <div className="actions">
        <Button variant="secondary" onClick={() => void cancel()}>
          {m.login_cancel()}
        </Button>
      </div>
    </div>
  )
}

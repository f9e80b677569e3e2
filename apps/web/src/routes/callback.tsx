import { useNokkel } from '@nokkel/client/react'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { takeCallbackUrl } from '../callback-url.ts'
import { restart } from '../client.ts'
import { codeOf, type ErrorCode } from '../components/explain.ts'
import { providerName } from '../components/format.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useLocale } from '../settings/locale.ts'
import { rememberOrganization } from '../settings/organization.ts'

/** Where BankID and Vipps send the browser back. Ends at home, or in one clear state with a way on. */
export function CallbackPage() {
  useLocale()
  const nokkel = useNokkel()
  const navigate = useNavigate()
  const { provider, organization } = useParams({ from: '/callback/$provider/$organization' })
  const [failure, setFailure] = useState<{ code: ErrorCode | undefined }>()

  const started = useRef(false)
  useEffect(() => {
    if (started.current) return
    started.current = true
    const url = takeCallbackUrl()
    if (!url) {
      void navigate({ to: '/', replace: true })
      return
    }
    nokkel.auth.completeSignIn(url).then(
      ({ returnTo }) => {
        rememberOrganization(organization)
        return navigate({ to: returnTo ?? '/', replace: true })
      },
      (error: unknown) => setFailure({ code: codeOf(error) }),
    )
  }, [nokkel, navigate, organization])

  function again() {
    restart()
    void navigate({ to: '/login', replace: true })
  }

  return (
    <div className="page page-narrow">
      <PageHeading>{failure ? m.login_failed_title() : m.callback_title()}</PageHeading>
      {failure ? (
        <Problem code={failure.code} onRetry={again} />
      ) : (
        <Waiting reason={m.callback_working({ provider: providerName(provider) })} />
      )}
    </div>
  )
}

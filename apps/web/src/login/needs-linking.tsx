import { Button, Paragraph } from '@digdir/designsystemet-react'
import { useState } from 'react'
import { formatTime, providerName } from '../components/format.ts'
import { LockLine } from '../components/lock-line.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useWays } from '../queries/organizations.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'
import { LoginFailure } from './login-failure.tsx'
import { ProviderButton } from './provider-button.tsx'
import { type ProviderLogin, useLogins } from './use-logins.ts'

/** Why the account is not shown to be the person's own, and what comes of that. */
const goingOnTexts = {
  none: [m.linking_new_means, m.linking_new_later],
  strange: [m.linking_strange_means, m.linking_strange_later],
} as const

/**
 * The login looks like one of an account that is there already, which another way in shows to be the person's own. Whose
 * account it looks like is never said.
 */
export function NeedsLinking({ login }: { login: ProviderLogin }) {
  const [goingOn, setGoingOn] = useState<keyof typeof goingOnTexts>()
  const offered = useWays()
  const provider = providerName(login.provider)
  const { ways = [], expiresAt } = login.state.linking ?? {}
  const others = useLogins().filter(
    (way) =>
      way.provider !== login.provider && ways.includes(way.provider) && offered.some(({ id }) => id === way.provider),
  )
  const failed = others.find(({ state }) => state.status === 'error')

  return (
    <>
      <PageHeading>{m.linking_title()}</PageHeading>
      {failed ? <LoginFailure login={failed} /> : login.state.reason && <Problem code={login.state.reason} />}
      <div className="stack">
        <Paragraph>{m.linking_body({ provider })}</Paragraph>
        <LockLine>{m.linking_privacy()}</LockLine>
      </div>
      {others.length > 0 && (
        <div className="stack">
          <Paragraph>{m.linking_ways()}</Paragraph>
          <div className="login-providers">
            {others.map((way) => (
              <ProviderButton
                key={way.provider}
                provider={way.provider}
                loading={way.state.status === 'loading'}
                onClick={() => void way.signIn().catch(() => undefined)}
              />
            ))}
          </div>
        </div>
      )}
      {ways.includes('supabase') && <Paragraph>{m.linking_supabase({ provider })}</Paragraph>}
      <div className="actions">
        <Button variant="secondary" onClick={() => setGoingOn('none')}>
          {m.linking_new()}
        </Button>
        <Button variant="secondary" onClick={() => setGoingOn('strange')}>
          {m.linking_strange()}
        </Button>
        <Button variant="tertiary" onClick={() => void login.cancel()}>
          {m.login_cancel()}
        </Button>
      </div>
      {expiresAt && <Paragraph data-size="sm">{m.linking_until({ time: formatTime(expiresAt) })}</Paragraph>}
      {goingOn && (
        <WorkDialog
          title={m.linking_new_title()}
          points={goingOnTexts[goingOn].map((point) => point())}
          confirm={m.linking_new_confirm()}
          working={m.linking_new_working()}
          run={login.continueAsNew}
          onClose={() => setGoingOn(undefined)}
        />
      )}
    </>
  )
}

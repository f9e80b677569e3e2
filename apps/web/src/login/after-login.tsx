import { Alert, Button, Paragraph } from '@digdir/designsystemet-react'
import type { Me } from '@nokkel/client'
import { Link, useLocation } from '@tanstack/react-router'
import { useState } from 'react'
import { providerName } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { useLoginSettings } from '../queries/administration.ts'
import { useWays } from '../queries/organizations.ts'
import { type ProviderLogin, useLoginIn, useLogins } from './use-logins.ts'

/** What a person should know of the login they have just finished; nothing while there is nothing to say. */
export function AfterLogin({ me }: { me: Me }) {
  const login = useLoginIn('authenticated')
  return login?.state.purpose === 'login' ? <Told key={me.session.id} me={me} login={login} /> : null
}

function Told({ me, login }: { me: Me; login: ProviderLogin }) {
  const [dismissed, setDismissed] = useState(false)
  const { pathname } = useLocation()
  const bankid = useLogins().find(({ provider }) => provider === 'bankid')
  const told = useWays().some(({ id, personnummer }) => id === 'bankid' && personnummer)
  const { outcome, personnummer, linkedProvider = login.provider } = login.state
  const provider = providerName(login.provider)
  const absent = personnummer === 'absent'
  const fills = absent && login.provider !== 'bankid' && told
  const count = useLoginSettings(me).data?.warnings.length ?? 0
  // There they stand.
  const warnings = pathname === '/admin' ? 0 : count
  const lines = [
    outcome === 'identity_linked' && m.after_linked({ provider: providerName(linkedProvider) }),
    absent && m.after_absent({ provider }),
    fills && m.after_absent_bankid(),
    warnings > 0 && m.after_admin({ count: warnings, organization: me.organization.name }),
  ].filter((line) => line !== false)
  if (dismissed || lines.length === 0) return null

  return (
    <div className="page page-notice">
      <Alert data-color={warnings > 0 ? 'warning' : 'info'} role="status" className="notice">
        <div className="notice-body">
          {lines.map((line) => (
            <Paragraph key={line}>{line}</Paragraph>
          ))}
          <div className="actions">
            {warnings > 0 && (
              <Link to="/admin" className="ds-link back">
                {m.after_admin_link()}
              </Link>
            )}
            {fills && (
              <Button
                variant="secondary"
                onClick={() => void bankid?.link({ returnTo: '/account' }).catch(() => undefined)}
              >
                {m.logins_add({ provider: providerName('bankid') })}
              </Button>
            )}
            <Button variant="secondary" onClick={() => setDismissed(true)}>
              {m.after_dismiss()}
            </Button>
          </div>
        </div>
      </Alert>
    </div>
  )
}

import { Alert, Button, Paragraph } from '@digdir/designsystemet-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { providerName } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { useLoginSettings } from '../queries/administration.ts'
import { useWays } from '../queries/organizations.ts'
import type { Me } from '../wire.ts'
import { type ProviderLogin, useLoginIn } from './use-logins.ts'

/** What a person should know of the login they have just finished; nothing while there is nothing to say. */
export function AfterLogin({ me }: { me: Me }) {
  const login = useLoginIn('authenticated')
  return login?.state.purpose === 'login' ? <Told key={me.session.id} me={me} login={login} /> : null
}

function Told({ me, login }: { me: Me; login: ProviderLogin }) {
  const [dismissed, setDismissed] = useState(false)
  const ways = useWays()
  const warnings = useLoginSettings(me).data?.warnings.length ?? 0
  const provider = providerName(login.provider)
  const absent = login.state.personnummer === 'absent'
  const lines = [
    login.state.outcome === 'identity_linked' && m.after_linked({ provider }),
    absent &&
      [
        m.after_absent({ provider }),
        login.provider !== 'bankid' && ways.some(({ id }) => id === 'bankid') && m.after_absent_bankid(),
      ]
        .filter(Boolean)
        .join(' '),
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
            <Button variant="secondary" onClick={() => setDismissed(true)}>
              {m.after_dismiss()}
            </Button>
          </div>
        </div>
      </Alert>
    </div>
  )
}

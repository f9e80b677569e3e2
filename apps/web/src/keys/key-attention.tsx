import { useDeviceKeys, useSession } from '@nokkel/client/react'
import { useLocation } from '@tanstack/react-router'
import { useState } from 'react'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { KeyNotice } from './key-notice.tsx'
import { ReplaceDialog } from './replace-dialog.tsx'

/**
 * What a person must know or decide about the keys of this device; nothing while all goes by itself.
 *
 * @param waits - Whether something else is being asked, so that no second dialog comes under the finger.
 */
export function KeyAttention({ waits }: { waits: boolean }) {
  const keys = useDeviceKeys()
  const { state: session, signIn } = useSession()
  const { pathname } = useLocation()
  const [declined, setDeclined] = useState(false)
  const me = session.me
  if (!me || waits) return null
  // What goes wrong becomes the state of the login.
  const signInAgain = () => void signIn(me.session.provider, { returnTo: pathname }).catch(() => undefined)

  switch (keys.state.status) {
    case 'confirm_replace':
      return declined ? (
        <KeyNotice
          tone="info"
          title={m.keys_without_title()}
          body={m.keys_without_body()}
          action={m.keys_without_action()}
          onAction={() => setDeclined(false)}
        />
      ) : (
        <ReplaceDialog
          organization={me.organization.name}
          others={keys.state.others ?? []}
          onConfirm={keys.confirmReplace}
          onDecline={() => setDeclined(true)}
        />
      )
    case 'login_needed':
      return (
        <KeyNotice
          tone="warning"
          title={m.keys_login_needed_title()}
          body={m.keys_login_needed_body()}
          action={m.keys_login_needed_action()}
          onAction={signInAgain}
        />
      )
    case 'superseded':
      return (
        <KeyNotice
          tone="warning"
          title={m.keys_superseded_title()}
          body={m.keys_superseded_body()}
          action={m.keys_login_needed_action()}
          onAction={signInAgain}
        />
      )
    case 'lost':
      return (
        <KeyNotice
          tone="warning"
          title={m.keys_lost_title()}
          body={m.keys_lost_body()}
          action={m.keys_lost_action()}
          onAction={signInAgain}
        />
      )
    case 'error':
      return (
        <div className="page page-notice">
          <Problem code={keys.state.error} title={m.keys_error_title()} onRetry={() => void keys.retry()} />
        </div>
      )
    default:
      return null
  }
}

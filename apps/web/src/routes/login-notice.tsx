import { Alert, Heading, Paragraph } from '@digdir/designsystemet-react'
import * as m from '../paraglide/messages.js'

export type Notice =
  | 'device_superseded'
  | 'device_revoked'
  | 'session_expired'
  | 'keys_lost'
  | 'account_merged'
  | 'account_erased'

const texts: Record<Notice, { title: () => string; body: () => string }> = {
  device_superseded: { title: m.notice_device_superseded_title, body: m.notice_device_superseded_body },
  device_revoked: { title: m.notice_device_revoked_title, body: m.notice_device_revoked_body },
  session_expired: { title: m.notice_session_expired_title, body: m.notice_session_expired_body },
  account_merged: { title: m.notice_account_merged_title, body: m.notice_account_merged_body },
  account_erased: { title: m.notice_account_erased_title, body: m.notice_account_erased_body },
  keys_lost: { title: m.notice_keys_lost_title, body: m.notice_keys_lost_body },
}

/** Why the person stands at the login again, said before they are asked to log in. */
export function LoginNotice({ notice }: { notice: Notice }) {
  const { title, body } = texts[notice]
  return (
    <Alert data-color={notice === 'session_expired' ? 'info' : 'warning'} role="status" className="notice">
      <Heading level={2} data-size="2xs">
        {title()}
      </Heading>
      <Paragraph>{body()}</Paragraph>
    </Alert>
  )
}

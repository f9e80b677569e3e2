import { Alert, Heading, Paragraph } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import * as m from '../paraglide/messages.js'

/** Nobody is logged in any more, but the browser kept something of who was. */
export function NotPurged() {
  const { notPurged } = useSession().state
  if (!notPurged) return null
  return (
    <Alert data-color="warning" role="alert" className="notice">
      <Heading level={2} data-size="2xs">
        {m.erase_not_purged_title()}
      </Heading>
      <Paragraph>{m.erase_not_purged_body()}</Paragraph>
      <Paragraph className="code">{m.error_code({ code: notPurged })}</Paragraph>
    </Alert>
  )
}

import { Button, Paragraph } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import { PageHeading } from '../components/page-heading.tsx'
import * as m from '../paraglide/messages.js'

export function SendDone({ count, onAnother }: { count: number; onAnother: () => void }) {
  return (
    <div className="page page-narrow done">
      <CheckmarkCircleIcon aria-hidden className="done-icon" />
      <PageHeading>{m.send_done_title()}</PageHeading>
      <Paragraph role="status">{m.send_done_body({ count })}</Paragraph>
      <div className="actions">
        <Button asChild>
          <Link to="/sent">{m.send_see_sent()}</Link>
        </Button>
        <Button variant="secondary" onClick={onAnother}>
          {m.send_another()}
        </Button>
      </div>
    </div>
  )
}

import { Alert, Button, Dialog, Heading, Link as LinkStyle, Paragraph, Tag } from '@digdir/designsystemet-react'
import type { AssignmentItem, Delivery } from '@nokkel/client'
import { Link } from '@tanstack/react-router'
import { useId } from 'react'
import { codeOf } from '../components/explain.ts'
import { formatWhen } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { canResend, useResend } from '../queries/resend.ts'
import { stateColor } from './delivery-tags.tsx'

const stateName: Record<Delivery['state'], () => string> = {
  sent: m.state_sent,
  fetched: m.state_fetched,
  opened: m.state_opened,
  unreadable: m.state_unreadable,
}

function explainState(delivery: Delivery): string {
  switch (delivery.state) {
    case 'sent':
      return m.state_sent_help()
    case 'fetched':
      return m.state_fetched_help({ when: delivery.fetchedAt ? formatWhen(delivery.fetchedAt) : '' })
    case 'opened':
      return m.state_opened_help({ when: delivery.openedAt ? formatWhen(delivery.openedAt) : '' })
    case 'unreadable':
      return delivery.hasActiveDevice ? m.state_unreadable_help() : m.state_unreadable_no_device()
  }
}

interface SentDetailsProps {
  item: AssignmentItem
  title: string
  onClose: () => void
}

export function SentDetails({ item, title, onClose }: SentDetailsProps) {
  const heading = useId()
  const resend = useResend(item.id)
  const deliveries = item.deliveries ?? []

  return (
    <Dialog open placement="right" closedby="any" closeButton={m.close()} aria-labelledby={heading} onClose={onClose}>
      <Dialog.Block className="stack-tight">
        <Heading id={heading} level={2} data-size="xs">
          {title}
        </Heading>
        <p className="row-meta">
          <When at={item.sentAt} text={(when) => m.sent_when({ when })} />
        </p>
        {item.readable && (
          <LinkStyle asChild>
            <Link to="/assignments/$id" params={{ id: item.id }}>
              {m.sent_open()}
            </Link>
          </LinkStyle>
        )}
      </Dialog.Block>
      <Dialog.Block className="stack">
        <Heading level={3} data-size="2xs">
          {m.sent_recipients()}
        </Heading>
        <ul className="deliveries">
          {deliveries.map((delivery) => (
            <li key={delivery.userId}>
              <span className="device-name">
                <span className="row-title">{delivery.name}</span>
                <Tag data-color={stateColor[delivery.state]}>{stateName[delivery.state]()}</Tag>
              </span>
              <Paragraph data-size="sm">{explainState(delivery)}</Paragraph>
            </li>
          ))}
        </ul>
        {resend.isError &&
          (codeOf(resend.error) === 'signature_untrusted' ? (
            <Alert data-color="warning" role="alert" className="notice">
              {m.sent_resend_unknown_device()}
            </Alert>
          ) : (
            <Problem code={codeOf(resend.error)} />
          ))}
        <p className={resend.isSuccess ? 'row-note' : 'ds-sr-only'} role="status">
          {resend.isSuccess && m.sent_resent()}
        </p>
      </Dialog.Block>
      {canResend(deliveries) && (
        <Dialog.Block className="actions">
          <Button data-color="ember" loading={resend.isPending} onClick={() => resend.mutate()}>
            {resend.isPending ? m.sent_resending() : m.sent_resend()}
          </Button>
        </Dialog.Block>
      )}
    </Dialog>
  )
}

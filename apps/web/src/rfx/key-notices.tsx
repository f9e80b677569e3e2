import { Alert, Button, Details, Heading, Paragraph } from '@digdir/designsystemet-react'
import { fingerprintOf, type RecipientNotice } from '@nokkel/client'
import { Link, useLocation } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { Fingerprint } from '../components/fingerprint.tsx'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshRfx } from '../queries/rfx.ts'
import { useProject } from './project.ts'
import { useWork } from './use-work.ts'

const keyOf = ({ owner, id }: RecipientNotice) => `${owner} ${id}`

/** Recipients whose key is another than the one this device knew: nothing is handed to them before a person has compared. */
export function ChangedKeys() {
  const { rfx, snapshot, details } = useProject()
  const { changedRecipients } = snapshot
  // What suppliers have a key for are the bids of their own company.
  const ownBids = details.role === 'supplier'
  const accepted = useRef<RecipientNotice>(undefined)
  // It goes on when the one who was accepted is off the list.
  const accept = useWork(async (options) => {
    if (accepted.current) await rfx.acceptKeys([accepted.current])
    return rfx.distribute(options)
  }, useRefreshRfx(rfx))
  const running = accept.state === 'running'
  if (changedRecipients.length === 0) return accept.state === 'failed' ? <Problem code={accept.code} /> : null
  return (
    <Alert data-color="warning" className="notice">
      <Heading level={2} data-size="2xs">
        {m.changed_title({ count: changedRecipients.length })}
      </Heading>
      <div className="notice-body">
        <Paragraph>{ownBids ? m.changed_body_supplier() : m.changed_body()}</Paragraph>
        <ul className="changed">
          {changedRecipients.map((recipient) => (
            <li key={keyOf(recipient)} className="stack">
              <p className="row-title">{recipient.name}</p>
              <Fingerprint
                value={fingerprintOf(recipient)}
                help={
                  recipient.owner === 'company'
                    ? m.changed_compare_company({ name: recipient.name })
                    : m.changed_compare({ name: recipient.name })
                }
              />
              <div className="actions">
                <Button
                  variant="secondary"
                  disabled={running}
                  onClick={() => {
                    accepted.current = recipient
                    accept.start()
                  }}
                >
                  {m.changed_accept({ name: recipient.name })}
                </Button>
              </div>
            </li>
          ))}
        </ul>
        {accept.state === 'failed' && <Problem code={accept.code} />}
      </div>
    </Alert>
  )
}

/** Says in the header that somebody new has the key, until the person has seen who. */
export function NewRecipientsLine() {
  const { rfx, snapshot, details } = useProject()
  const seen = useWork(() => rfx.acknowledgeRecipients())
  const { newRecipients } = snapshot
  if (newRecipients.length === 0) return null
  return (
    <Alert data-color="info" role="status" className="notice">
      <div className="notice-body">
        <Paragraph>
          {m.new_since({ count: newRecipients.length })}{' '}
          <Link
            to={details.role === 'supplier' ? '/rfx/$id/bids' : '/rfx/$id/people'}
            params={{ id: rfx.id }}
            hash={listId}
            hashScrollIntoView={false}
            className="ds-link"
          >
            {m.new_since_who()}
          </Link>
        </Paragraph>
        {seen.state === 'failed' && <Problem code={seen.code} />}
        <Button variant="secondary" data-size="sm" loading={seen.state === 'running'} onClick={() => seen.start()}>
          {m.new_since_seen()}
        </Button>
      </div>
    </Alert>
  )
}

const listId = 'new'

/** Those this device had not handed the key to before, so that somebody who should not be there is noticed. */
export function NewRecipients() {
  const { newRecipients } = useProject().snapshot
  const asked = useLocation({ select: ({ hash }) => hash === listId })
  const [open, setOpen] = useState(asked)
  useEffect(() => {
    if (asked) setOpen(true)
  }, [asked])
  if (newRecipients.length === 0) return null
  return (
    <Details data-size="sm" className="disclosure" open={open} onToggle={() => setOpen((is) => !is)}>
      <Details.Summary>{m.new_recipients({ count: newRecipients.length })}</Details.Summary>
      <Details.Content className="stack">
        <Paragraph>{m.new_recipients_body()}</Paragraph>
        <ul className="changed">
          {newRecipients.map((recipient) => (
            <li key={keyOf(recipient)} className="stack-tight">
              <span className="row-title">{recipient.name}</span>
              <Fingerprint value={fingerprintOf(recipient)} help={null} />
            </li>
          ))}
        </ul>
      </Details.Content>
    </Details>
  )
}

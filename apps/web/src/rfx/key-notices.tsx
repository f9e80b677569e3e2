import { Alert, Button, Details, Heading, Paragraph } from '@digdir/designsystemet-react'
import { fingerprintOf, type RecipientNotice } from '@nokkel/client'
import { useRef } from 'react'
import { Fingerprint } from '../components/fingerprint.tsx'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshRfx } from '../queries/rfx.ts'
import { useProject } from './project.ts'
import { useWork } from './use-work.ts'

const keyOf = ({ owner, id }: RecipientNotice) => `${owner} ${id}`

/** Recipients whose key is another than the one this device knew: nothing is handed to them before a person has compared. */
export function ChangedKeys() {
  const { rfx, snapshot } = useProject()
  const { changedRecipients } = snapshot
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
        <Paragraph>{m.changed_body()}</Paragraph>
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

/** Those this device had not handed the key to before, so that somebody who should not be there is noticed. */
export function NewRecipients() {
  const { newRecipients } = useProject().snapshot
  if (newRecipients.length === 0) return null
  return (
    <Details data-size="sm" className="disclosure">
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

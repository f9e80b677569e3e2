import { Button, Heading, Paragraph, Tag } from '@digdir/designsystemet-react'
import { Buildings3Icon, PersonIcon } from '@navikt/aksel-icons'
import type { Person, RfxRecipient } from '@nokkel/client'
import { type ReactNode, useId } from 'react'
import * as m from '../paraglide/messages.js'
import { useRefreshRfx } from '../queries/rfx.ts'
import { useProject } from './project.ts'
import { WorkDialog } from './work-dialog.tsx'

interface PeopleSectionProps {
  title: string
  note?: string | undefined
  recipients: readonly RfxRecipient[]
  onExclude: (person: Person) => void
}

/** People, and their company where it has a key, each with whether they have the key of the project. */
export function PeopleSection({ title, note, recipients, onExclude }: PeopleSectionProps) {
  const heading = useId()
  const companies = recipients.filter(({ owner }) => owner === 'company')
  return (
    <section className="stack" aria-labelledby={heading}>
      <Heading id={heading} level={2} data-size="2xs">
        {title}
      </Heading>
      {recipients.length === 0 && <Paragraph>{note ?? m.people_none()}</Paragraph>}
      {recipients.length > 0 && (
        <PeopleRows recipients={recipients} onExclude={onExclude}>
          {companies.map((recipient) => (
            <CompanyRow key={recipient.ownerId} name={recipient.name} recipient={recipient} />
          ))}
        </PeopleRows>
      )}
    </section>
  )
}

interface PeopleRowsProps extends Pick<PeopleSectionProps, 'recipients' | 'onExclude'> {
  /** A row that comes first. */
  children?: ReactNode
}

export function PeopleRows({ recipients, onExclude, children }: PeopleRowsProps) {
  const companies = new Set(
    recipients.filter(({ owner, state }) => owner === 'company' && state === 'wrapped').map(({ ownerId }) => ownerId),
  )
  const people = recipients.filter(({ owner }) => owner === 'user')
  return (
    <ul className="rows">
      {children}
      {people.map((recipient) => (
        <PersonRow
          key={recipient.ownerId}
          recipient={recipient}
          readsThroughCompany={recipient.companyId !== null && companies.has(recipient.companyId)}
          onExclude={() => onExclude({ id: recipient.ownerId, name: recipient.name })}
        />
      ))}
    </ul>
  )
}

interface CompanyRowProps {
  name: string
  /** Once it is in the project. */
  recipient: RfxRecipient | undefined
  meta?: ReactNode
  /** What can be done with it. */
  children?: ReactNode
}

/** The company of the people below it, and whether its key opens the project. */
export function CompanyRow({ name, recipient, meta, children }: CompanyRowProps) {
  return (
    <li className="row row-person">
      <Buildings3Icon aria-hidden className="row-icon" />
      <div className="row-text">
        <span className="device-name">
          <span className="row-title">{name}</span>
          {recipient && <KeyState recipient={recipient} readsThroughCompany={false} />}
        </span>
        {meta && <span className="row-meta">{meta}</span>}
        {recipient && <span className="row-note">{explainState(recipient, false)}</span>}
      </div>
      {children}
    </li>
  )
}

interface KeyStateProps {
  recipient: RfxRecipient
  readsThroughCompany: boolean
}

interface PersonRowProps extends KeyStateProps {
  onExclude: () => void
}

function PersonRow({ recipient, readsThroughCompany, onExclude }: PersonRowProps) {
  const { details, me } = useProject()
  const { ownerId, name } = recipient
  const isMe = ownerId === me.id
  const mayExclude = details.role === 'buyer' && !isMe
  return (
    <li className="row row-person">
      <PersonIcon aria-hidden className="row-icon" />
      <div className="row-text">
        <span className="device-name">
          <span className="row-title">{name}</span>
          {isMe && <Tag data-color="accent">{m.company_member_you()}</Tag>}
          <KeyState recipient={recipient} readsThroughCompany={readsThroughCompany} />
        </span>
        <span className="row-note">{explainState(recipient, readsThroughCompany)}</span>
      </div>
      {mayExclude && (
        <div className="row-actions">
          <Button
            variant="secondary"
            data-size="sm"
            data-color="danger"
            aria-label={m.exclude_named({ name })}
            onClick={onExclude}
          >
            {m.exclude()}
          </Button>
        </div>
      )}
    </li>
  )
}

function KeyState({ recipient: { state }, readsThroughCompany }: KeyStateProps) {
  if (state === 'wrapped' || readsThroughCompany) return <Tag data-color="success">{m.people_has_key()}</Tag>
  if (state === 'missing') return <Tag data-color="warning">{m.people_waits()}</Tag>
  return <Tag data-color="neutral">{m.people_no_key()}</Tag>
}

function explainState({ owner, state, name }: RfxRecipient, readsThroughCompany: boolean): string {
  if (owner === 'company') {
    return state === 'wrapped'
      ? m.people_company_has_key()
      : state === 'missing'
        ? m.people_company_waits()
        : m.people_company_no_key()
  }
  if (state === 'wrapped') return m.people_has_key_why()
  if (readsThroughCompany) return m.people_through_company()
  return state === 'missing' ? m.people_waits_why() : m.people_no_key_why({ name })
}

export function ExcludeDialog({ person: { id, name }, onClose }: { person: Person; onClose: () => void }) {
  const { rfx } = useProject()
  return (
    <WorkDialog
      title={m.exclude_title({ name })}
      points={[m.exclude_at_once({ name }), m.exclude_new_key(), m.exclude_read({ name }), m.exclude_company({ name })]}
      confirm={m.exclude_confirm()}
      working={m.excluding()}
      danger
      stoppable
      run={(options) => rfx.exclude(id, options)}
      onSettled={useRefreshRfx(rfx)}
      onClose={onClose}
    />
  )
}

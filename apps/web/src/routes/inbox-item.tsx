import { Tag } from '@digdir/designsystemet-react'
import { ChevronRightIcon, EnvelopeClosedIcon, EnvelopeOpenIcon, PadlockLockedIcon } from '@navikt/aksel-icons'
import type { AssignmentItem } from '@nokkel/client'
import { Link } from '@tanstack/react-router'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useKnownTitle } from '../queries/assignment.ts'

/** One assignment in the inbox. Its title is sealed until it is opened, so an unopened one is named by its sender. */
export function InboxItem({ item, hasKeys }: { item: AssignmentItem; hasKeys: boolean }) {
  const sender = item.sender.name ?? m.unknown_sender()
  const title = useKnownTitle(item.id)
  const heading = title ?? m.inbox_from({ name: sender })
  const meta = (
    <span className="row-meta">
      {title && <span>{sender}</span>}
      <When at={item.sentAt} />
      {item.fileCount > 0 && <span>{m.file_count({ count: item.fileCount })}</span>}
    </span>
  )

  if (!item.readable) {
    return (
      <li className="row row-muted">
        <PadlockLockedIcon aria-hidden className="row-icon" />
        <div className="row-body">
          <div className="row-text">
            <span className="row-title">{heading}</span>
            {meta}
          </div>
          <Tag data-color="warning">{m.inbox_unreadable()}</Tag>
          <p className="row-note">
            {hasKeys ? m.inbox_unreadable_why({ name: sender }) : m.inbox_unreadable_no_keys()}
          </p>
        </div>
      </li>
    )
  }
  return (
    <li className="row">
      <Link to="/assignments/$id" params={{ id: item.id }} className="row-link">
        {item.openedAt ? (
          <EnvelopeOpenIcon aria-hidden className="row-icon" />
        ) : (
          <EnvelopeClosedIcon aria-hidden className="row-icon row-icon-new" />
        )}
        <span className="row-body">
          <span className="row-text">
            <span className={item.openedAt ? 'row-title' : 'row-title row-title-new'}>{heading}</span>
            {meta}
          </span>
          {item.openedAt ? (
            <Tag data-color="neutral">{m.inbox_opened()}</Tag>
          ) : (
            <Tag data-color="ember">{m.inbox_new()}</Tag>
          )}
        </span>
        <ChevronRightIcon aria-hidden className="row-chevron" />
      </Link>
    </li>
  )
}

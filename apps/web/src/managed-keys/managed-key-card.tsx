import { Button, Heading, Tag } from '@digdir/designsystemet-react'
import { KeyHorizontalIcon } from '@navikt/aksel-icons'
import type { ManagedKeyView } from '@nokkel/client'
import { useId } from 'react'
import { Fingerprint } from '../components/fingerprint.tsx'
import { LockLine } from '../components/lock-line.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'

interface ManagedKeyCardProps {
  managedKey: ManagedKeyView
  heading: string
  /** Who can open it, where the page does not say so already. */
  lock?: string
  /** What the person may do with it; nothing when these are missing. */
  onRenew?: (() => void) | undefined
  onReport?: (() => void) | undefined
}

/** The key in use: its fingerprint, its age, how much hangs on it and who can open it. */
export function ManagedKeyCard({ managedKey: key, heading, lock, onRenew, onReport }: ManagedKeyCardProps) {
  const title = useId()
  return (
    <section className="device" aria-labelledby={title}>
      <KeyHorizontalIcon aria-hidden className="row-icon" />
      <div className="device-text">
        <div className="device-name">
          <Heading id={title} level={2} data-size="2xs">
            {heading}
          </Heading>
          <Tag data-color="success">{m.key_active()}</Tag>
        </div>
        <p className="row-meta">
          <When at={key.createdAt} text={(when) => m.key_created_when({ when })} />
          <span>{key.wraps === 0 ? m.key_wraps_none() : m.key_wraps({ count: key.wraps })}</span>
        </p>
        <Fingerprint value={key.fingerprint} help={m.key_fingerprint_help()} />
        {lock && <LockLine>{lock}</LockLine>}
        {onRenew && onReport && (
          <div className="actions">
            <Button variant="secondary" onClick={onRenew}>
              {m.key_renew()}
            </Button>
            <Button variant="tertiary" data-color="danger" onClick={onReport}>
              {m.key_report()}
            </Button>
          </div>
        )}
      </div>
    </section>
  )
}

import { Button, Details, Heading, Tag } from '@digdir/designsystemet-react'
import type { ManagedKeyView } from '@nokkel/client'
import { Fingerprint } from '../components/fingerprint.tsx'
import { formatWhen } from '../components/format.ts'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'

type Former = Exclude<ManagedKeyView['state'], 'active'>

const stateOf: Record<Former, { name: () => string; color: 'neutral' | 'danger' }> = {
  superseded: { name: m.key_superseded, color: 'neutral' },
  revoked: { name: m.key_revoked, color: 'danger' },
  destroyed: { name: m.key_destroyed, color: 'neutral' },
}

const endings = [
  ['supersededAt', m.key_superseded_when],
  ['revokedAt', m.key_revoked_when],
  ['destroyedAt', m.key_destroyed_when],
] as const

/** Keys that are not in use any more, and how much is still locked with each. */
export function OlderKeys({
  keys,
  onReport,
}: {
  keys: readonly ManagedKeyView[]
  onReport?: ((key: ManagedKeyView) => void) | undefined
}) {
  if (keys.length === 0) return null
  return (
    <section className="stack" aria-labelledby="older-keys">
      <Heading id="older-keys" level={2} data-size="xs">
        {m.key_older()}
      </Heading>
      <ul className="rows">
        {keys.map((key) => (
          <OlderKey key={key.id} managedKey={key} onReport={onReport && (() => onReport(key))} />
        ))}
      </ul>
    </section>
  )
}

function OlderKey({ managedKey: key, onReport }: { managedKey: ManagedKeyView; onReport?: (() => void) | undefined }) {
  if (key.state === 'active') return null
  const { name, color } = stateOf[key.state]
  return (
    <li className="row">
      <div className="row-text">
        <span className="device-name">
          <span className="row-title">{m.key_older_name({ when: formatWhen(key.createdAt) })}</span>
          <Tag data-color={color}>{name()}</Tag>
        </span>
        <p className="row-meta">
          {endings.map(([member, text]) => {
            const at = key[member]
            return at && <When key={member} at={at} text={(when) => text({ when })} />
          })}
          {key.wraps > 0 && <span>{m.key_wraps_left({ count: key.wraps })}</span>}
        </p>
        <Details data-size="sm" className="disclosure">
          <Details.Summary>{m.device_fingerprint_show()}</Details.Summary>
          <Details.Content className="stack">
            <Fingerprint value={key.fingerprint} help={null} />
            {onReport && key.revokedAt === null && (
              <div className="actions">
                <Button variant="tertiary" data-color="danger" data-size="sm" onClick={onReport}>
                  {m.key_report()}
                </Button>
              </div>
            )}
          </Details.Content>
        </Details>
      </div>
    </li>
  )
}

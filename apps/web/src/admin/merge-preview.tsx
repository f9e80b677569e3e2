import { Heading, List } from '@digdir/designsystemet-react'
import type { MergeEffect } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

const effectName: Record<MergeEffect['what'], (input: { count: number }) => string> = {
  logins: m.effect_logins,
  memberships: m.effect_memberships,
  roles_raised: m.effect_roles_raised,
  companies: m.effect_companies,
  managed_keys: m.effect_managed_keys,
  project_keys: m.effect_project_keys,
  projects_rekeyed: m.effect_projects_rekeyed,
  opener_duties: m.effect_opener_duties,
  exclusions: m.effect_exclusions,
  received_assignments: m.effect_received_assignments,
  personnummer: () => m.effect_personnummer(),
  contact: () => m.effect_contact(),
  sessions_ended: m.effect_sessions_ended,
  devices_ended: m.effect_devices_ended,
  sent_assignments: m.effect_sent_assignments,
  project_entries: m.effect_project_entries,
}

const kinds = [
  ['moves', m.preview_moves],
  ['changes', m.preview_changes],
  ['ends', m.preview_ends],
  ['stays', m.preview_stays],
] as const

/** What exactly a merge would do, by what becomes of it. */
export function MergeEffects({ effects }: { effects: readonly MergeEffect[] }) {
  return kinds.map(([kind, name]) => {
    const ofKind = effects.filter(({ effect }) => effect === kind)
    if (ofKind.length === 0) return null
    return (
      <section key={kind} className="stack-tight" aria-labelledby={`effect-${kind}`}>
        <Heading id={`effect-${kind}`} level={3} data-size="2xs">
          {name()}
        </Heading>
        <List.Unordered>
          {ofKind.map(({ what, count }) => (
            <List.Item key={what}>{capitalized(effectName[what]({ count }))}</List.Item>
          ))}
        </List.Unordered>
      </section>
    )
  })
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

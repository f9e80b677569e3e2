import * as m from '../paraglide/messages.js'

/** Few enough to be read before a decision; the export has every kind on its own. */
const groups: readonly (readonly [name: () => string, kinds: readonly string[]])[] = [
  [
    m.group_account,
    [
      'app_user',
      'former_account',
      'organization',
      'organization_member',
      'organization_login',
      'pseudonym',
      'person_key',
      'account_merge',
    ],
  ],
  [m.group_logins, ['external_identity', 'removed_login', 'session', 'waiting_identity']],
  [m.group_identity, ['user_identities', 'offered_personnummer', 'declined_personnummer', 'suspected_duplicate']],
  [m.group_consents, ['consent']],
  [m.group_keys, ['device_key', 'signing_key', 'user_key', 'biometric_enrollment', 'webauthn_credential']],
  [m.group_companies, ['company', 'company_member', 'company_invitation']],
  [m.group_assignments, ['assignment', 'received_assignment', 'assignment_recipient', 'assignment_key', 'blob']],
  [
    m.group_projects,
    [
      'rfxs',
      'rfx_key_members',
      'rfx_key_history',
      'rfx_key_attempt',
      'rfx_broken_wrap',
      'rfx_opener',
      'rfx_exclusion',
      'rfx_invitation',
      'rfx_manifest',
      'rfx_entry',
      'rfx_bid',
    ],
  ],
  [m.group_log, ['audit_log']],
]

/** How much there is of each group, the empty ones left out. What this version does not know is counted as the rest. */
export function countGroups(
  counts: Readonly<Record<string, number>>,
): readonly (readonly [name: string, count: number])[] {
  const rest = new Map(Object.entries(counts))
  const counted = groups.map(([name, kinds]) => {
    const count = kinds.reduce((sum, kind) => sum + (rest.get(kind) ?? 0), 0)
    for (const kind of kinds) rest.delete(kind)
    return [name(), count] as const
  })
  const others = [...rest.values()].reduce((sum, count) => sum + count, 0)
  return [...counted, [m.group_other(), others] as const].filter(([, count]) => count > 0)
}

import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { base64Url, Cursor, Instant, ProviderId, pageQuery, Role, Uuid } from './scalars.ts'

/**
 * What makes two accounts look like one person's. `personnummer`: a provider gave one the verified number of the other;
 * `both_logins`: somebody logged in to both. Those two are strong; `phone_and_email` are the same verified ones.
 */
export const DuplicateEvidence = z.enum(['personnummer', 'both_logins', 'phone_and_email'])
export type DuplicateEvidence = z.infer<typeof DuplicateEvidence>

const Account = z
  .strictObject({
    id: Uuid,
    /** Initials where `role` is `null`; then there is no last login and no contact, either. */
    name: z.string(),
    /** `null` for who is not, or no longer, in the organisation. */
    role: Role.nullable(),
    createdAt: Instant,
    lastLoginAt: Instant.nullable(),
    logins: z.array(ProviderId),
    bankidVerified: z.boolean(),
    /** Recognised by a number that a provider vouched for, and known to be: they have agreed to that with this organisation. */
    personnummerVerified: z.boolean(),
    /** The last two digits of it, as `•••• ••34`. */
    phoneNumber: z.string().nullable(),
    /** First letter and domain, as `k•••@person.example`. */
    email: z.string().nullable(),
  })
  .openapi('DuplicateAccount')

export const Duplicate = z
  .strictObject({
    id: Uuid,
    evidence: DuplicateEvidence,
    state: z.enum(['open', 'merged', 'dismissed']),
    foundAt: Instant,
    accounts: z.array(Account).length(2),
    /** The account that was kept, and until when that can be undone. */
    merge: z.strictObject({ survivor: Uuid, mergedAt: Instant, undoUntil: Instant }).nullable(),
  })
  .openapi('Duplicate')
export type Duplicate = z.infer<typeof Duplicate>

/** What a merge does with things of the account that is not kept. */
export const MergeEffect = z
  .strictObject({
    what: z.enum([
      'logins',
      'memberships',
      'roles_raised',
      'companies',
      'managed_keys',
      'project_keys',
      'projects_rekeyed',
      'opener_duties',
      'exclusions',
      'received_assignments',
      'personnummer',
      'contact',
      'sessions_ended',
      'devices_ended',
      'sent_assignments',
      'project_entries',
    ]),
    effect: z.enum(['moves', 'changes', 'ends', 'stays']),
    count: z.int().min(1),
  })
  .openapi('MergeEffect')
export type MergeEffect = z.infer<typeof MergeEffect>

const tags: [string] = ['Duplicates']
const params = z.strictObject({ id: Uuid })

export const listDuplicates = operation({
  method: 'get',
  path: '/nokkel/duplicates',
  tags,
  summary: 'Accounts of the organisation that may be one person; for administrators',
  request: {
    query: z.strictObject({ ...pageQuery, state: z.enum(['open', 'merged', 'dismissed']).default('open') }),
  },
  responses: { 200: z.strictObject({ duplicates: z.array(Duplicate), nextCursor: Cursor.optional() }) },
})

export const previewMerge = operation({
  method: 'get',
  path: '/nokkel/duplicates/{id}/preview',
  tags,
  summary: 'What exactly a merge would do',
  request: { params, query: z.strictObject({ survivor: Uuid }) },
  responses: {
    200: z.strictObject({
      effects: z.array(MergeEffect),
      /** Names this state: the merge is refused when anything it touches has changed since. */
      digest: base64Url(32, 32),
    }),
  },
})

export const mergeAccounts = operation({
  method: 'post',
  path: '/nokkel/duplicates/{id}/merge',
  tags,
  summary: 'Merge two accounts into the one that is kept, as it was previewed',
  request: { params, body: z.strictObject({ survivor: Uuid, digest: base64Url(32, 32) }) },
  responses: { 200: Duplicate },
})

export const undoMerge = operation({
  method: 'post',
  path: '/nokkel/duplicates/{id}/undo',
  tags,
  summary: 'Put everything back that a merge moved, within thirty days; or open again what was dismissed',
  request: { params },
  responses: { 200: Duplicate },
})

export const dismissDuplicate = operation({
  method: 'post',
  path: '/nokkel/duplicates/{id}/dismiss',
  tags,
  summary: 'Say that they are two people',
  request: { params },
  responses: { 200: Duplicate },
})

import type { Duplicate, MergeEffect, Share } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Caller } from '../audit/caller.ts'
import type { Database, Transaction } from '../db/database.ts'
import type { Position } from '../db/page-cursor.ts'
import { retryDeadlock } from '../db/retry.ts'
import type { Claims } from '../db/with-claims.ts'

type Account = Duplicate['accounts'][number]
type DuplicateState = Duplicate['state']

/** An account of a pair; `contact` and `personKey` in base64, as they are kept. */
export interface AccountRow {
  readonly id: string
  /** Initials, without a last login and contact, of who is not in the organisation. */
  readonly name: string
  /** Null for who is not in the organisation. */
  readonly role: Account['role']
  readonly createdAt: string
  readonly lastLoginAt: string | null
  readonly logins: Account['logins']
  readonly bankidVerified: boolean
  /** `false` where they have not agreed with the organisation to be recognised by it. */
  readonly personnummerVerified: boolean
  /** What of it they have agreed with the organisation to share. */
  readonly contactShares: readonly Share[]
  readonly contact: string | null
  readonly personKey: string | null
}

export interface DuplicateRow {
  readonly id: string
  readonly evidence: Duplicate['evidence']
  readonly state: DuplicateState
  readonly foundAt: Date
  /** The same, as the database counts: to the microsecond. */
  readonly foundAtText: string
  readonly survivorId: string | null
  readonly mergedAt: Date | null
  readonly undoUntil: Date | null
  readonly accounts: AccountRow[]
}

export interface DuplicateFilter {
  readonly id?: string
  readonly state?: DuplicateState
  readonly after?: Position | undefined
  readonly limit: number
}

const acting = ({ sid, sub, organization }: Claims) => sql`${sid}::uuid, ${sub}::uuid, ${organization}::uuid`

/** The newest first. @throws `forbidden`: for all but administrators. */
export async function selectDuplicates(
  database: Database,
  claims: Claims,
  { id, state, after, limit }: DuplicateFilter,
): Promise<DuplicateRow[]> {
  const { rows } = await sql<DuplicateRow>`
    select id, evidence, state, found_at as "foundAt", to_json(found_at) #>> '{}' as "foundAtText",
      survivor_id as "survivorId", merged_at as "mergedAt", undo_until as "undoUntil", accounts
    from nokkel.duplicates(${acting(claims)}, ${id ?? null}::uuid, ${state ?? null}::text,
      ${after?.key ?? null}::timestamptz, ${after?.id ?? null}::uuid, ${limit}::integer)`.execute(database)
  return rows
}

export interface Preview {
  readonly effects: MergeEffect[]
  readonly digest: Uint8Array
}

/** @throws `not_found`, `duplicate_settled`, `merge_not_allowed`, `merge_different_people`, `key_not_adopted`, `openers_missing`. */
export async function previewRows(
  database: Database,
  { claims }: Caller,
  duplicate: string,
  survivor: string,
): Promise<Preview> {
  const { rows } = await retryDeadlock(() =>
    sql<Preview>`
      select effects, digest from nokkel.preview_merge(${acting(claims)}, ${duplicate}::uuid, ${survivor}::uuid)`.execute(
      database,
    ),
  )
  return (rows as [Preview])[0]
}

function inTransaction(database: Database, work: (transaction: Transaction) => Promise<unknown>): Promise<unknown> {
  return retryDeadlock(() => database.transaction().execute(work))
}

/** What is bound to the account that is not kept. */
export interface MergeMaterial {
  readonly otherId: string
  readonly keyIds: string[]
  readonly envelopes: string[]
  readonly contact: Uint8Array | null
  readonly personnummer: Uint8Array | null
  readonly personKey: Uint8Array | null
  readonly survivorHasContact: boolean
  /** Whether the number goes to the account that is kept: that has none, or one that was typed beside one of a provider's. */
  readonly takesPersonnummer: boolean
  readonly survivorPersonKey: Uint8Array | null
}

/** @throws As {@link previewRows}; `login_too_old`. */
export async function selectMergeMaterial(
  database: Database,
  { claims }: Caller,
  duplicate: string,
  survivor: string,
): Promise<MergeMaterial> {
  const { rows } = await sql<MergeMaterial>`
    select other_id as "otherId", key_ids as "keyIds", envelopes, contact, personnummer, person_key as "personKey",
      survivor_has_contact as "survivorHasContact", takes_personnummer as "takesPersonnummer",
      survivor_person_key as "survivorPersonKey"
    from nokkel.merge_material(${acting(claims)}, ${duplicate}::uuid, ${survivor}::uuid)`.execute(database)
  return (rows as [MergeMaterial])[0]
}

/** What was bound to the account that is kept; bytes in base64. `from` is what it was made of. */
export interface Rebound {
  readonly keys: Record<
    string,
    { readonly from: string; readonly envelope: string; readonly hash: string; readonly masterKeyId: string }
  >
  readonly contact?: { readonly from: string; readonly envelope: string }
  readonly personnummer?: { readonly from: string; readonly envelope: string }
  /** Where the account that is kept had none. */
  readonly personKey?: { readonly wrapped: string; readonly masterKeyId: string }
}

export interface MergeRequest {
  readonly duplicate: string
  readonly survivor: string
  readonly digest: Uint8Array
}

/** @throws As {@link selectMergeMaterial}; `merge_changed`. */
export async function mergeRows(
  database: Database,
  { claims, requestId }: Caller,
  { duplicate, survivor, digest }: MergeRequest,
  rebound: Rebound,
): Promise<void> {
  await inTransaction(database, (transaction) =>
    sql`
      select nokkel.merge_accounts(${acting(claims)}, ${requestId}::uuid, ${duplicate}::uuid, ${survivor}::uuid,
        ${digest}::bytea, ${JSON.stringify(rebound)}::jsonb)`.execute(transaction),
  )
}

/** @throws `not_found`, `login_too_old`, `merge_not_undoable`. */
export async function undoRows(database: Database, { claims, requestId }: Caller, duplicate: string): Promise<void> {
  await inTransaction(database, (transaction) =>
    sql`select nokkel.undo_merge(${acting(claims)}, ${requestId}::uuid, ${duplicate}::uuid)`.execute(transaction),
  )
}

/** @throws `not_found`, `duplicate_settled`, `merge_not_allowed`. */
export async function dismissRow(database: Database, { claims, requestId }: Caller, duplicate: string): Promise<void> {
  await sql`select nokkel.dismiss_duplicate(${acting(claims)}, ${requestId}::uuid, ${duplicate}::uuid)`.execute(
    database,
  )
}

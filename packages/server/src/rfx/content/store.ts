import type { RfxEntry } from '@nokkel/contract'
import { encodeBase64Url, type VerifiedRfxEntry } from '@nokkel/crypto'
import { sql } from 'kysely'
import { byteaText } from '../../db/bytea.ts'
import type { Transaction } from '../../db/database.ts'
import { instant } from '../../db/instant.ts'

export interface EntryToStore {
  readonly rfxId: string
  readonly sequence: number
  /** Of the key that wraps the content key. */
  readonly version: number
  readonly wrappedKey: Uint8Array | null
  readonly content: Uint8Array | null
  readonly statement: string
  readonly blobs: readonly string[]
}

/** The database decides whether it is the next one. */
export async function insertEntry(
  transaction: Transaction,
  entry: EntryToStore,
  { kind, object, revision, previous, current, digest, author }: VerifiedRfxEntry,
  requestId: string,
): Promise<void> {
  const { rfxId, sequence, version, wrappedKey, content, statement, blobs } = entry
  await sql`
    select nokkel.add_rfx_entry(
      ${rfxId}::uuid, ${sequence}::integer, ${kind}, ${object}::uuid, ${revision}::integer, ${version}::integer,
      ${previous}::bytea, ${current.title}::integer, ${current.specification}::integer, ${wrappedKey}::bytea,
      ${content}::bytea, ${statement}, ${digest}::bytea, ${author.thumbprint}, ${blobs}::uuid[], ${requestId}::uuid
    )`.execute(transaction)
}

/** Which entries: one of them, or a number of them before a place. */
export interface EntryRange {
  readonly rfxId: string
  readonly sequence?: number
  readonly before?: number | undefined
  readonly limit: number
}

interface EntryRow {
  readonly sequence: number
  readonly kind: RfxEntry['kind']
  readonly object_id: string
  readonly revision: number
  readonly key_version: number
  readonly wrapped_key: Uint8Array | null
  readonly content: Uint8Array | null
  readonly statement: string
  readonly author_id: string
  readonly author_name: string | null
  readonly author_role: RfxEntry['author']['role']
  readonly created_at: Date
  readonly replaced_version: number | null
  readonly replaced_key: Uint8Array | null
}

/** Entries that the person may read, the newest first. */
export async function selectEntries(
  transaction: Transaction,
  { rfxId, sequence, before, limit }: EntryRange,
): Promise<RfxEntry[]> {
  const { rows } = await sql<EntryRow>`
    with entry as materialized (
      select * from nokkel.rfx_entries(
        ${rfxId}::uuid, ${sequence ?? null}::integer, ${before ?? null}::integer, ${limit}::integer
      )
    )
    select e.*, p.name as author_name, p.role as author_role
    from entry e
    left join nokkel.rfx_people(${rfxId}::uuid, array(select distinct author_id from entry)) p on p.id = e.author_id
    order by e.sequence desc`.execute(transaction)
  return rows.map((row) => ({
    sequence: row.sequence,
    kind: row.kind,
    objectId: row.object_id,
    revision: row.revision,
    version: row.key_version,
    wrappedKey: row.wrapped_key && encodeBase64Url(row.wrapped_key),
    content: row.content && encodeBase64Url(row.content),
    statement: row.statement,
    author: { id: row.author_id, name: row.author_name, role: row.author_role },
    createdAt: instant(row.created_at),
    replaced:
      row.replaced_version === null || row.replaced_key === null
        ? null
        : { version: row.replaced_version, wrappedKey: encodeBase64Url(row.replaced_key) },
  }))
}

/** Whether the person is in the project now. */
export async function isMember(transaction: Transaction, rfxId: string): Promise<boolean> {
  const { rows } = await sql<{ member: boolean }>`
    select nokkel.is_rfx_member(${rfxId}::uuid) as member`.execute(transaction)
  return rows[0]?.member ?? false
}

/** What the person is in the project now; `null` if they are not in it. */
export async function findRole(
  transaction: Transaction,
  rfxId: string,
): Promise<'buyer' | 'developer' | 'supplier' | null> {
  const { rows } = await sql<{ role: 'buyer' | 'developer' | 'supplier' | null }>`
    select nokkel.rfx_role(${rfxId}::uuid) as role`.execute(transaction)
  return rows[0]?.role ?? null
}

export interface StaleKey {
  readonly sequence: number
  readonly version: number
  readonly wrappedKey: Uint8Array
}

/** Content keys that an earlier version of the key wraps, in order. */
export async function selectStaleKeys(
  transaction: Transaction,
  rfxId: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<StaleKey[]> {
  const { rows } = await sql<StaleKey>`
    select sequence, key_version as version, wrapped_key as "wrappedKey"
    from nokkel.stale_content_keys(${rfxId}::uuid, ${after}::integer, ${limit}::integer)`.execute(transaction)
  return rows
}

export interface MovedKey {
  readonly sequence: number
  readonly old: Uint8Array
  readonly new: Uint8Array
}

/** Each where the old one still stands. Gives how many. */
export async function updateContentKeys(
  transaction: Transaction,
  rfxId: string,
  { version, keys }: { readonly version: number; readonly keys: readonly MovedKey[] },
  requestId: string,
): Promise<number> {
  const { rows } = await sql<{ moved: number }>`
    select nokkel.move_content_keys(
      ${rfxId}::uuid, ${version}::integer, ${keys.map(({ sequence }) => sequence)}::integer[],
      ${keys.map((key) => byteaText(key.old))}::text[]::bytea[], ${keys.map((key) => byteaText(key.new))}::text[]::bytea[],
      ${requestId}::uuid
    ) as moved`.execute(transaction)
  return rows[0]?.moved ?? 0
}

import type { ErasureBlocker } from '@nokkel/contract'
import type { PublicJwk } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Caller } from '../audit/caller.ts'
import type { Database, Transaction } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { retryDeadlock } from '../db/retry.ts'
import type { Claims } from '../db/with-claims.ts'
import type { ErasureEntry } from './ledger.ts'

const acting = ({ sid, sub, organization }: Claims) => sql`${sid}::uuid, ${sub}::uuid, ${organization}::uuid`

/** What is held of a person; bytes as they are kept, `null` where there are none. */
export interface ExportRow {
  readonly data: Record<string, Record<string, unknown>[]>
  readonly contact: Uint8Array | null
  readonly contactUpdatedAt: Date | null
  readonly personnummer: Uint8Array | null
  readonly wrappedKey: Uint8Array | null
  /** Of the session. */
  readonly deviceId: string | null
  readonly encryptionKey: PublicJwk | null
  /** Of the person and of accounts that became theirs; bytes in base64. */
  readonly offers: readonly {
    readonly userId: string
    readonly personnummer: string
    readonly wrappedKey: string | null
  }[]
}

/** @throws `login_too_old`, or what is told of a session that is not live. */
export async function exportRow(database: Database, { claims, requestId }: Caller): Promise<ExportRow> {
  const { rows } = await sql<ExportRow>`
    select data, contact, contact_updated_at as "contactUpdatedAt", personnummer, wrapped_key as "wrappedKey",
      device_id as "deviceId", encryption_key as "encryptionKey", offers
    from nokkel.export_person(${acting(claims)}, ${requestId}::uuid)`.execute(database)
  const [row] = rows
  if (!row) throw new Error('export_person gave no row')
  return row
}

export interface PreviewRow {
  readonly removed: Record<string, number>
  readonly kept: Record<string, number>
  readonly blockers: ErasureBlocker[]
}

/** @throws What is told of a session that is not live. */
export async function previewRow(database: Database, claims: Claims): Promise<PreviewRow> {
  const { rows } = await retryDeadlock(() =>
    sql<PreviewRow>`select removed, kept, blockers from nokkel.preview_erasure(${acting(claims)})`.execute(database),
  )
  const [row] = rows
  if (!row) throw new Error('preview_erasure gave no row')
  return row
}

interface ErasureRow extends Omit<ErasureEntry, 'erasedAt' | 'backupsExpireAt'> {
  readonly erasedAt: Date
  readonly backupsExpireAt: Date
}

const columns = sql`id, user_id as "userId", former_ids as "formerIds", erased_at as "erasedAt",
  backups_expire_at as "backupsExpireAt", removed`

const toEntry = ({ id, userId, formerIds, erasedAt, backupsExpireAt, removed }: ErasureRow): ErasureEntry => ({
  id,
  userId,
  formerIds,
  erasedAt: instant(erasedAt),
  backupsExpireAt: instant(backupsExpireAt),
  removed,
})

/** @throws `login_too_old`; `erasure_blocked`, with the blockers; or what is told of a session that is not live. */
export async function eraseRows(
  transaction: Transaction,
  { claims, requestId }: Caller,
  { id, retentionDays }: { readonly id: string; readonly retentionDays: number },
): Promise<ErasureEntry> {
  const { rows } = await sql<ErasureRow>`
    select ${columns} from nokkel.erase_person(${acting(claims)}, ${requestId}::uuid, ${id}::uuid,
      make_interval(days => ${retentionDays}::integer))`.execute(transaction)
  return toEntry((rows as [ErasureRow])[0])
}

export interface UndoneErasure {
  readonly entry: ErasureEntry
  /** UUIDs of whom else the entries name that are replayed with this one. */
  readonly named: readonly string[]
}

/** Of these entries and those of the database itself, those of whom somebody is here; the oldest first. */
export async function selectUndone(database: Database, entries: readonly ErasureEntry[]): Promise<UndoneErasure[]> {
  const { rows } = await sql<ErasureRow & { named: string[] }>`
    select ${columns}, named from nokkel.undone_erasures(${JSON.stringify(entries)}::jsonb)`.execute(database)
  return rows.map((row) => ({ entry: toEntry(row), named: row.named }))
}

/** Takes in entries of whom nobody is here. */
export async function insertErasures(database: Database, entries: readonly ErasureEntry[]): Promise<void> {
  await sql`select nokkel.add_erasures(${JSON.stringify(entries)}::jsonb)`.execute(database)
}

/**
 * How many accounts went.
 *
 * @throws {Error} It has become one with somebody else in this backup, for good; says who and what to do.
 */
export async function replayRows(database: Database, { entry, named }: UndoneErasure): Promise<number> {
  const { id, userId, formerIds, erasedAt, backupsExpireAt, removed } = entry
  const { rows } = await retryDeadlock(() =>
    sql<{ count: number }>`
      select nokkel.replay_erasure(${id}::uuid, ${userId}::uuid, ${[...formerIds]}::uuid[], ${erasedAt}::timestamptz,
        ${backupsExpireAt}::timestamptz, ${JSON.stringify(removed)}::jsonb, ${[...named]}::uuid[]) as count`.execute(
      database,
    ),
  ).catch((cause: unknown) => {
    const { code, message } = cause as { code?: unknown; message?: unknown }
    throw code === 'NK002' ? new Error(String(message), { cause }) : cause
  })
  return rows[0]?.count ?? 0
}

export interface KnownErasure {
  readonly entry: ErasureEntry
  /** Somebody of it is here again. */
  readonly isUndone: boolean
}

/** The oldest first. */
export async function selectErasures(database: Database): Promise<KnownErasure[]> {
  const { rows } = await sql<ErasureRow & { isUndone: boolean }>`
    select ${columns}, is_undone as "isUndone" from nokkel.erasures()`.execute(database)
  return rows.map((row) => ({ entry: toEntry(row), isUndone: row.isUndone }))
}

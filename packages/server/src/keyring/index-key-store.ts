import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { retryDeadlock } from '../db/retry.ts'

export interface IndexKeyState {
  readonly keyId: string
  readonly createdAt: Date
  readonly retiredAt: Date | null
  readonly people: number
  readonly numbers: number
  readonly contacts: number
  readonly movable: number
  readonly waitingLogins: number
  readonly mergedRows: number
}

/** Oldest first. */
export async function selectIndexKeyStates(database: Database): Promise<readonly IndexKeyState[]> {
  const { rows } = await sql<IndexKeyState>`
    select key_id as "keyId", created_at as "createdAt", retired_at as "retiredAt", people::int, numbers::int,
      contacts::int, movable::int, waiting_logins::int as "waitingLogins", merged_rows::int as "mergedRows"
    from nokkel.index_key_states()`.execute(database)
  return rows
}

/** Somebody under the key, of whom the values themselves are kept. What is `null` is not under that key, or not kept. */
export interface MovableRow {
  readonly userId: string
  readonly personnummerIndex: Uint8Array | null
  readonly phoneIndex: Uint8Array | null
  readonly emailIndex: Uint8Array | null
  readonly personnummer: Uint8Array | null
  readonly contact: Uint8Array | null
  readonly wrappedKey: Uint8Array
}

/** In the order of their ids, after one of them. */
export async function selectMovable(
  database: Database,
  keyId: string,
  after: string | null,
  limit: number,
): Promise<readonly MovableRow[]> {
  const { rows } = await sql<MovableRow>`
    select user_id as "userId", personnummer_index as "personnummerIndex", phone_index as "phoneIndex",
      email_index as "emailIndex", personnummer, contact, wrapped_key as "wrappedKey"
    from nokkel.movable_indexes(${keyId}, ${after}::uuid, ${limit})`.execute(database)
  return rows
}

/** The former and the new index, in hexadecimal digits. */
export type IndexPair = readonly [string, string]

export interface IndexMove {
  readonly user_id: string
  readonly personnummer: IndexPair | null
  /** Whether phone and e-mail are moved; each is `null` where there is none. */
  readonly contact: boolean
  readonly phone: IndexPair | null
  readonly email: IndexPair | null
}

/** In one transaction. @returns How many were as they were read, and are moved. @throws {ServerError} `conflict`: the keys are others by now. */
export async function storeMoves(
  database: Database,
  { former, present }: { readonly former: string; readonly present: string },
  moves: readonly IndexMove[],
): Promise<number> {
  const { rows } = await retryDeadlock(() =>
    sql<{ moved: number }>`
      select nokkel.move_indexes(${former}, ${present}, ${JSON.stringify(moves)}::jsonb) as moved`.execute(database),
  )
  return rows[0]?.moved ?? 0
}

/** Says in the log that people are being moved to this key. */
export async function recordRotation(database: Database, keyId: string, runId: string): Promise<void> {
  await sql`select nokkel.audit(null, null, 'index_key.rotate', 'index_key', ${keyId}, null, ${runId}::uuid)`.execute(
    database,
  )
}

/** @returns How many people are forgotten; `null` when somebody or something is under the key, and nothing was changed. */
export async function retireKey(
  database: Database,
  keyId: string,
  { forget, runId }: { readonly forget: boolean; readonly runId: string },
): Promise<number | null> {
  const { rows } = await retryDeadlock(() =>
    sql<{ forgotten: number | null }>`
      select nokkel.retire_index_key(${keyId}, ${forget}, ${runId}::uuid) as forgotten`.execute(database),
  )
  return rows[0]?.forgotten ?? null
}

import { sql } from 'kysely'
import type { Database } from '../db/database.ts'

export interface RootKeyVersions {
  readonly masterKeys: readonly { readonly keyId: string; readonly checkValue: Uint8Array }[]
  readonly indexKeyIds: readonly string[]
}

export async function selectRootKeyVersions(database: Database): Promise<RootKeyVersions> {
  const masterKeys = await sql<{ keyId: string; checkValue: Uint8Array }>`
    select key_id as "keyId", check_value as "checkValue" from nokkel.master_key_versions()`.execute(database)
  const indexKeys = await sql<{ keyId: string }>`
    select key_id as "keyId" from nokkel.index_key_versions()`.execute(database)
  return { masterKeys: masterKeys.rows, indexKeyIds: indexKeys.rows.map(({ keyId }) => keyId) }
}

export interface NewRootKeys {
  /** All versions that are known, as they were read. */
  readonly verified: readonly string[]
  readonly keyIds: readonly string[]
  readonly checkValues: readonly Uint8Array[]
  readonly indexKeyId: string
}

/** @returns Whether they were added: not if the versions are no longer those that were read. */
export async function registerRootKeys(database: Database, keys: NewRootKeys): Promise<boolean> {
  const { rows } = await sql<{ registered: boolean }>`
    select nokkel.register_root_keys(
      ${[...keys.verified]}::text[], ${[...keys.keyIds]}::text[], ${[...keys.checkValues]}::bytea[], ${keys.indexKeyId}
    ) as registered`.execute(database)
  return rows[0]?.registered ?? false
}

/** @returns How many have been reserved by everyone; `null` when so many are not left. */
export async function reserveWraps(database: Database, keyId: string, wraps: number): Promise<number | null> {
  const { rows } = await sql<{ wraps: string | null }>`
    select nokkel.reserve_wraps(${keyId}, ${wraps}) as wraps`.execute(database)
  const total = rows[0]?.wraps ?? null
  return total === null ? null : Number(total)
}

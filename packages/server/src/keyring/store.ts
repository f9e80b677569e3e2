import { sql } from 'kysely'
import type { Database } from '../db/database.ts'

export interface KnownMasterKey {
  readonly keyId: string
  readonly checkValue: Uint8Array
  /** Servers start without it. */
  readonly retired: boolean
}

export interface KnownIndexKey {
  readonly keyId: string
  /** Nobody is under it, and nobody comes to be. */
  readonly retired: boolean
}

export interface RootKeyVersions {
  readonly masterKeys: readonly KnownMasterKey[]
  /** Oldest first. Of those that are not retired there are at most two. */
  readonly indexKeys: readonly KnownIndexKey[]
}

export async function selectRootKeyVersions(database: Database): Promise<RootKeyVersions> {
  const masterKeys = await sql<KnownMasterKey>`
    select key_id as "keyId", check_value as "checkValue", retired_at is not null as retired
    from nokkel.master_key_versions()`.execute(database)
  const indexKeys = await sql<KnownIndexKey>`
    select key_id as "keyId", retired_at is not null as retired from nokkel.index_key_versions()`.execute(database)
  return { masterKeys: masterKeys.rows, indexKeys: indexKeys.rows }
}

export interface MasterKeyRows {
  readonly keyId: string
  readonly table:
    | 'user_key'
    | 'company_key'
    | 'rfx_bid_part'
    | 'person_key'
    | 'vipps_org_config'
    | 'account_merge_row'
    | 'waiting_identity'
    | 'session_key'
    | 'identity_key'
  readonly count: number
}

/** How many rows each master key protects now, where there are any. */
export async function selectMasterKeyRows(database: Database): Promise<MasterKeyRows[]> {
  const { rows } = await sql<Omit<MasterKeyRows, 'count'> & { count: string }>`
    select key_id as "keyId", table_name as "table", row_count as count from nokkel.master_key_rows()`.execute(database)
  return rows.map(({ count, ...row }) => ({ ...row, count: Number(count) }))
}

export interface NewRootKeys {
  /** The versions that are known and given; the others are retired. */
  readonly verified: readonly string[]
  readonly keyIds: readonly string[]
  readonly checkValues: readonly Uint8Array[]
  /** The present one, and the previous one. */
  readonly indexKeyIds: readonly string[]
}

/** @returns Whether they were added: not if the versions or what they protect are no longer what was read. */
export async function registerRootKeys(database: Database, keys: NewRootKeys): Promise<boolean> {
  const { rows } = await sql<{ registered: boolean }>`
    select nokkel.register_root_keys(
      ${[...keys.verified]}::text[], ${[...keys.keyIds]}::text[], ${[...keys.checkValues]}::bytea[],
      ${[...keys.indexKeyIds]}::text[]
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

import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { checkSchema } from '../db/schema-version.ts'
import { type MasterKeyRows, selectMasterKeyRows } from './store.ts'

/** One version of the master key, as far as the database knows it. */
export interface MasterKeyVersion {
  readonly keyId: string
  /** RFC 3339. */
  readonly createdAt: string
  /** RFC 3339: since when servers start without it; `null` while they have it. */
  readonly retiredAt: string | null
  /** Envelopes it may have made, of 2^32: never fewer than it has. */
  readonly wraps: number
  /** Rows it protects now. */
  readonly rows: {
    readonly userKeys: number
    readonly companyKeys: number
    readonly bidParts: number
    readonly personKeys: number
    /** Of organisations at Vipps. */
    readonly clientSecrets: number
    /** Images of rows that a merge has changed, for its undo. */
    readonly mergedRows: number
    /** Logins that wait for their person to show that an account is theirs. */
    readonly waitingLogins: number
    readonly sessionKeys: number
    /** What a personnummer is sealed to on its way here. */
    readonly identityKeys: number
  }
}

/**
 * Lists the versions of the master key that a database knows, oldest first.
 *
 * @throws {Error} The database is not one of this version, or the URL logs in as somebody else.
 */
export async function readMasterKeyVersions(database: Database): Promise<readonly MasterKeyVersion[]> {
  await checkSchema(database)
  const versions = await sql<{ keyId: string; createdAt: Date; wraps: string; retiredAt: Date | null }>`
    select key_id as "keyId", created_at as "createdAt", wraps, retired_at as "retiredAt"
    from nokkel.master_key_versions()`.execute(database)
  const counts = await selectMasterKeyRows(database)
  const rowsOf = (id: string, of: MasterKeyRows['table']) =>
    counts.find(({ keyId, table }) => keyId === id && table === of)?.count ?? 0
  return versions.rows.map(({ keyId, createdAt, wraps, retiredAt }) => ({
    keyId,
    createdAt: instant(createdAt),
    retiredAt: retiredAt && instant(retiredAt),
    wraps: Number(wraps),
    rows: {
      userKeys: rowsOf(keyId, 'user_key'),
      companyKeys: rowsOf(keyId, 'company_key'),
      bidParts: rowsOf(keyId, 'rfx_bid_part'),
      personKeys: rowsOf(keyId, 'person_key'),
      clientSecrets: rowsOf(keyId, 'vipps_org_config'),
      mergedRows: rowsOf(keyId, 'account_merge_row'),
      waitingLogins: rowsOf(keyId, 'waiting_identity'),
      sessionKeys: rowsOf(keyId, 'session_key'),
      identityKeys: rowsOf(keyId, 'identity_key'),
    },
  }))
}

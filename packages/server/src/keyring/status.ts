import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { checkSchema } from '../db/schema-version.ts'

/** One version of the master key, as far as the database knows it. */
export interface MasterKeyVersion {
  readonly keyId: string
  /** RFC 3339. */
  readonly createdAt: string
  /** Envelopes it may have made, of 2^32: never fewer than it has. */
  readonly wraps: number
  /** Rows it protects now. */
  readonly rows: { readonly userKeys: number; readonly companyKeys: number; readonly sessionKeys: number }
}

/**
 * Lists the versions of the master key that a database knows, oldest first.
 *
 * @throws {Error} The database is not one of this version, or the URL logs in as somebody else.
 */
export async function readMasterKeyVersions(database: Database): Promise<readonly MasterKeyVersion[]> {
  await checkSchema(database)
  const versions = await sql<{ keyId: string; createdAt: Date; wraps: string }>`
    select key_id as "keyId", created_at as "createdAt", wraps from nokkel.master_key_versions()`.execute(database)
  const counts = await sql<{ keyId: string; tableName: string; rows: string }>`
    select key_id as "keyId", table_name as "tableName", row_count as rows from nokkel.master_key_rows()`.execute(
    database,
  )
  const rowsOf = (id: string, table: string) =>
    Number(counts.rows.find(({ keyId, tableName }) => keyId === id && tableName === table)?.rows ?? 0)
  return versions.rows.map(({ keyId, createdAt, wraps }) => ({
    keyId,
    createdAt: instant(createdAt),
    wraps: Number(wraps),
    rows: {
      userKeys: rowsOf(keyId, 'user_key'),
      companyKeys: rowsOf(keyId, 'company_key'),
      sessionKeys: rowsOf(keyId, 'session_key'),
    },
  }))
}

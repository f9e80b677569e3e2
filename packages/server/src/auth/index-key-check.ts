import { sql } from 'kysely'
import type { Database } from '../db/database.ts'

/**
 * Makes sure that the index key is the one this database was first opened with; a new database takes it.
 *
 * @throws {Error} It is another one.
 */
export async function checkIndexKey(database: Database, keyId: string): Promise<void> {
  const known = await versions(database)
  if (known.length === 0) await sql`select nokkel.add_index_key_version(${keyId})`.execute(database)
  for (const expected of known) {
    if (expected !== keyId) {
      throw new Error(
        `The index key is not the one this database was opened with: it needs the key with id ${expected}, and was given ${keyId}.`,
      )
    }
  }
}

async function versions(database: Database): Promise<string[]> {
  const { rows } = await sql<{ keyId: string }>`
    select key_id as "keyId" from nokkel.index_key_versions()`.execute(database)
  return rows.map(({ keyId }) => keyId)
}

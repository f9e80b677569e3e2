import type { Context } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { OpenKeyring } from './keyring.ts'

const known = new TextEncoder().encode('nokkel/master-key-check/v1')

const place = (keyId: string): Context => ({
  purpose: 'master-key-check',
  table: 'master_key_version',
  column: 'check_value',
  row: keyId,
  owner: 'server',
})

/**
 * Makes sure that the keyring is the one this database was first opened with; a new database takes it.
 *
 * @throws {Error} It is another one.
 */
export async function checkKeyring(database: Database, keyring: OpenKeyring): Promise<void> {
  if ((await versions(database)).length === 0) {
    const checkValue = await keyring.wrap(known, place(keyring.keyId))
    await sql`select nokkel.add_master_key_version(${keyring.keyId}, ${checkValue})`.execute(database)
  }
  for (const { keyId, checkValue } of await versions(database)) {
    if (!(await opens(keyring, keyId, checkValue))) {
      throw new Error(
        `The master key is not the one this database was opened with: it needs the key with id ${keyId}, and was given ${keyring.keyId}.`,
      )
    }
  }
}

async function versions(database: Database) {
  const { rows } = await sql<{ keyId: string; checkValue: Uint8Array }>`
    select key_id as "keyId", check_value as "checkValue" from nokkel.master_key_versions()`.execute(database)
  return rows
}

async function opens(keyring: OpenKeyring, keyId: string, checkValue: Uint8Array): Promise<boolean> {
  if (keyId !== keyring.keyId) return false
  try {
    await keyring.unwrap(new Uint8Array(checkValue), place(keyId))
    return true
  } catch {
    return false
  }
}

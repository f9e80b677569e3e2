import { sql } from 'kysely'
import { byteaText } from '../db/bytea.ts'
import type { Database } from '../db/database.ts'
import type { Decision, Item } from './authorise.ts'

/** Decides and records in one statement. Gives a decision for each item, in their order. */
export async function decideItems(database: Database, items: readonly Item[]): Promise<Decision[]> {
  const column = <T>(value: (item: Item) => T) => items.map(value)
  const { rows } = await sql<Decision>`
    select problem, key_id as "keyId", owner_id as "ownerId", encrypted_private_key as "encryptedPrivateKey",
      encrypted_symmetric_key as "encryptedSymmetricKey"
    from nokkel.crypto_service_batch(
      ${column(({ requestId }) => requestId)}::uuid[], ${column(({ claims }) => claims.sub)}::uuid[],
      ${column(({ claims }) => claims.sid)}::uuid[], ${column(({ claims }) => claims.organization)}::uuid[],
      ${column(({ action }) => action)}::text[],
      ${column(({ envelopeHash }) => byteaText(envelopeHash))}::text[]::bytea[],
      ${column(({ rfxId = null }) => rfxId)}::uuid[], ${column(({ version = null }) => version)}::integer[],
      ${column(({ via = null }) => via)}::text[])`.execute(database)
  return rows
}

import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { byteaText } from './authorise.ts'
import type { Caller } from './caller.ts'
import type { PreparedKey } from './prepare-key.ts'

/** What stands in the table after {@link insertUserKeys}. */
export interface InsertedUserKey {
  readonly id: string
  readonly publicKey: string
  readonly encryptedPrivateKey: string
}

/** @throws `key_exists`, `key_reused` or that of a session that has ended. */
export async function insertUserKeys(
  database: Database,
  { claims, requestId }: Caller,
  keys: readonly PreparedKey[],
  replaces: string | undefined,
): Promise<InsertedUserKey[]> {
  const { rows } = await sql<InsertedUserKey>`
    select id, public_key as "publicKey", encrypted_private_key as "encryptedPrivateKey"
    from nokkel.add_user_keys(
      ${claims.sid}::uuid, ${claims.sub}::uuid, ${claims.organization}::uuid, ${requestId}::uuid,
      ${replaces ?? null}::uuid, ${keys.map(({ id }) => id)}::uuid[],
      ${keys.map(({ publicKey }) => publicKey)}::text[], ${keys.map(({ thumbprint }) => thumbprint)}::text[],
      ${keys.map(({ encryptedPrivateKey }) => encryptedPrivateKey)}::text[],
      ${keys.map(({ envelopeHash }) => byteaText(envelopeHash))}::text[]::bytea[],
      ${keys.map(({ masterKeyId }) => masterKeyId)}::text[])`.execute(database)
  return rows
}

import type { UserKey } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Caller } from '../audit/caller.ts'
import { byteaText } from '../db/bytea.ts'
import type { Database, Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
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

/** @throws `key_exists`, `not_found`, `forbidden` or that of a session that has ended. */
export async function insertCompanyKey(
  database: Database,
  { claims, requestId }: Caller,
  companyId: string,
  key: PreparedKey,
  replaces: string | undefined,
): Promise<void> {
  await sql`
    select nokkel.add_company_key(
      ${claims.sid}::uuid, ${claims.sub}::uuid, ${claims.organization}::uuid, ${requestId}::uuid, ${companyId}::uuid,
      ${replaces ?? null}::uuid, ${key.id}::uuid, ${key.publicKey}, ${key.thumbprint}, ${key.encryptedPrivateKey},
      ${key.envelopeHash}::bytea, ${key.masterKeyId})`.execute(database)
}

export async function findActiveKey(
  transaction: Transaction,
  owner: 'user' | 'company',
  ownerId: string,
): Promise<string | null> {
  const { rows } = await (owner === 'user'
    ? sql<{ id: string }>`select id from public.user_key where user_id = ${ownerId}::uuid and state = 'active'`
    : sql<{ id: string }>`select id from public.company_key where company_id = ${ownerId}::uuid and state = 'active'`
  ).execute(transaction)
  return rows[0]?.id ?? null
}

export async function readCompanyRole(transaction: Transaction, companyId: string): Promise<string | null> {
  const { rows } = await sql<{ role: string | null }>`
    select nokkel.company_role(${companyId}::uuid) as role`.execute(transaction)
  return rows[0]?.role ?? null
}

interface UserKeyRow {
  readonly id: string
  readonly public_key: string
  readonly thumbprint: string
  readonly encrypted_private_key: string | null
  readonly state: UserKey['state']
  readonly created_at: Date
  readonly superseded_at: Date | null
  readonly revoked_at: Date | null
  readonly destroyed_at: Date | null
  readonly wraps: number
}

/** The keys of the person, the newest first. */
export async function selectUserKeys(transaction: Transaction): Promise<UserKey[]> {
  const { rows } = await sql<UserKeyRow>`select * from nokkel.user_keys()`.execute(transaction)
  return rows.map((row) => ({
    id: row.id,
    state: row.state,
    publicKey: row.public_key,
    thumbprint: row.thumbprint,
    encryptedPrivateKey: row.encrypted_private_key === null ? null : JSON.parse(row.encrypted_private_key),
    createdAt: instant(row.created_at),
    supersededAt: optionalInstant(row.superseded_at),
    revokedAt: optionalInstant(row.revoked_at),
    destroyedAt: optionalInstant(row.destroyed_at),
    wraps: row.wraps,
  }))
}

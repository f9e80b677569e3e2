import { decodeBase64, encodeBase64, generateContentKey, importPublicKey, wrapKey } from '@nokkel/crypto'
import { sql } from 'kysely'
import { type PreparedKey, prepareKey } from '../../packages/server/src/managed-keys/prepare-key.ts'
import type { TestApi } from './api.ts'
import type { TestDatabase } from './database.ts'
import { createPerson, type LoggedIn, logIn } from './people.ts'

/** A project with one key version, wrapped to nobody. */
export async function createRfx({ owner }: TestDatabase, organizationId: string, version = 1): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    with rfx as (
      insert into public.rfxs (organization_id, key_version) values (${organizationId}::uuid, ${version}::integer) returning id
    ) insert into public.rfx_key_version (rfx_id, version)
      select id, n from rfx, generate_series(1, ${version}::integer) n returning rfx_id as id`.execute(owner)
  return (rows as [{ id: string }])[0].id
}

export async function createCompanyOf(
  { owner }: TestDatabase,
  organizationId: string,
  members: Readonly<Record<string, 'member' | 'administrator'>> = {},
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into public.company (organization_id, name) values (${organizationId}::uuid, 'Fjord Elektro AS')
    returning id`.execute(owner)
  const [{ id }] = rows as [{ id: string }]
  for (const [userId, role] of Object.entries(members)) {
    await sql`insert into public.company_member (company_id, organization_id, user_id, role)
      values (${id}::uuid, ${organizationId}::uuid, ${userId}::uuid, ${role})`.execute(owner)
  }
  return id
}

/** Gives a company an active key, made from one of the ready-made ones. */
export async function storeCompanyKey(
  { owner }: TestDatabase,
  { keyring }: TestApi,
  companyId: string,
  text: string,
): Promise<PreparedKey> {
  const key = await prepareKey(keyring, 'company', companyId, decodeBase64(text))
  await sql`
    with superseded as (
      update public.company_key set state = 'superseded', superseded_at = now()
      where company_id = ${companyId}::uuid and state = 'active' returning id
    ), mirrored as (
      update public.company set public_key = ${key.publicKey}, encrypted_private_key = ${key.encryptedPrivateKey}
      where id = ${companyId}::uuid returning id
    )
    select * from superseded, mirrored`.execute(owner)
  await sql`
    insert into public.company_key
      (id, company_id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id)
    values (${key.id}::uuid, ${companyId}::uuid, ${key.publicKey}, ${key.thumbprint}, ${key.encryptedPrivateKey},
      ${key.envelopeHash}::bytea, ${key.masterKeyId})`.execute(owner)
  return key
}

/** To whom a key is wrapped. */
export interface WrapPlace {
  readonly rfxId: string
  /** An earlier version; without it the present one. */
  readonly version?: number
  readonly owner: 'user' | 'company'
  readonly ownerId: string
  readonly keyId: string | null
}

/** Puts a wrap where distribution would. */
export async function storeWrap({ owner: db }: TestDatabase, place: WrapPlace, wrap: string): Promise<void> {
  const { rfxId, version, owner, ownerId, keyId } = place
  const [user, company] = owner === 'user' ? [ownerId, null] : [null, ownerId]
  const [userKey, companyKey] = owner === 'user' ? [keyId, null] : [null, keyId]
  if (version !== undefined) {
    await sql`
      insert into public.rfx_key_history
        (rfx_id, version, user_id, company_id, encrypted_symmetric_key, user_key_id, company_key_id)
      values (${rfxId}::uuid, ${version}::integer, ${user}::uuid, ${company}::uuid, ${wrap}, ${userKey}::uuid,
        ${companyKey}::uuid)`.execute(db)
  } else if (owner === 'user') {
    await sql`insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id)
      values (${rfxId}::uuid, ${user}::uuid, ${wrap}, ${keyId}::uuid)`.execute(db)
  } else {
    await sql`insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key, key_id)
      values (${rfxId}::uuid, ${company}::uuid, ${wrap}, ${keyId}::uuid)`.execute(db)
  }
}

/** Wraps a new key to a public key as the API gives it. Both as base64. */
export async function wrapNewKey(publicKey: string): Promise<{ readonly key: string; readonly wrap: string }> {
  const key = generateContentKey()
  const { key: recipient } = await importPublicKey(decodeBase64(publicKey))
  return { key: encodeBase64(key), wrap: encodeBase64(await wrapKey(key, recipient)) }
}

export async function createLoggedIn(database: TestDatabase, organizationId: string): Promise<LoggedIn> {
  return logIn(database, organizationId, await createPerson(database, organizationId))
}

/** Everything recorded so far, oldest first; who as their user id. */
export async function readAudit({ owner }: TestDatabase) {
  const { rows } = await sql<{
    user: string
    action: string
    subject: string
    outcome: string
    problem: string | null
  }>`
    select p.user_id as "user", l.action, l.subject_id as subject, l.outcome, l.problem
    from nokkel.audit_log l left join nokkel.pseudonym p on p.pseudonym = l.actor order by l.id`.execute(owner)
  return rows
}

/** How the audit log names somebody. */
export async function pseudonymOf({ owner }: TestDatabase, userId: string): Promise<string> {
  const { rows } = await sql<{ pseudonym: string }>`
    select pseudonym from nokkel.pseudonym where user_id = ${userId}::uuid`.execute(owner)
  const [row] = rows
  if (!row) throw new Error(`${userId} is nobody.`)
  return row.pseudonym
}

/** What `nokkel.orphaned_keys()` finds. */
export async function readOrphans({ server }: TestDatabase) {
  const { rows } = await sql<{ problem: string; subject_type: string; subject_id: string }>`
    select problem, subject_type, subject_id from nokkel.orphaned_keys() order by 1, 2, 3`.execute(server)
  return rows
}

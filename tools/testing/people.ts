import { randomUUID } from 'node:crypto'
import type { Assurance } from '@nokkel/contract'
import {
  calculateThumbprint,
  type DeviceKeys,
  decodeBase64Url,
  encodeBase64Url,
  exportPublicJwk,
  generateDeviceKeys,
  open,
  type PublicJwk,
  signJws,
} from '@nokkel/crypto'
import { sql } from 'kysely'
import { toServerError } from '../../packages/server/src/db/refusal.ts'
import type { Claims } from '../../packages/server/src/db/with-claims.ts'
import { createChallenge } from '../../packages/server/src/keys/challenge.ts'
import { registerDevice } from '../../packages/server/src/keys/registration.ts'
import type { TestDatabase } from './database.ts'

export type Role = 'member' | 'coordinator' | 'administrator'

/** Someone logged in, with the key their session is bound to and the one they would register beside it. */
export interface LoggedIn {
  readonly id: string
  readonly claims: Claims
  readonly keys: DeviceKeys
}

/** Someone logged in on a registered device. */
export interface Equipped extends LoggedIn {
  readonly deviceId: string
  readonly encryptionKey: PublicJwk
  readonly signingThumbprint: string
}

export async function createOrganization(
  { owner }: TestDatabase,
  options: { readonly slug?: string; readonly devicePolicy?: 'one' | 'several' } = {},
): Promise<string> {
  const { slug = `org-${randomUUID().slice(0, 8)}`, devicePolicy = 'one' } = options
  const { rows } = await sql<{ id: string }>`
    insert into public.organization (slug, name, device_policy) values (${slug}, ${slug}, ${devicePolicy})
    returning id`.execute(owner)
  return (rows as [{ id: string }])[0].id
}

export async function createPerson(
  { owner }: TestDatabase,
  organizationId: string,
  options: { readonly name?: string; readonly role?: Role } = {},
): Promise<string> {
  const { name = 'Kari Nordmann', role = 'member' } = options
  const { rows } = await sql<{ id: string }>`
    insert into public.app_user (name) values (${name}) returning auth_user_id as id`.execute(owner)
  const { id } = (rows as [{ id: string }])[0]
  await sql`
    insert into public.organization_member (organization_id, user_id, role)
    values (${organizationId}::uuid, ${id}::uuid, ${role})`.execute(owner)
  return id
}

export async function logIn(
  { owner }: TestDatabase,
  organizationId: string,
  userId: string,
  options: { readonly keys?: DeviceKeys; readonly ageSeconds?: number; readonly assurance?: Assurance } = {},
): Promise<LoggedIn> {
  const { keys = await generateDeviceKeys(), ageSeconds = 0, assurance = 'low' } = options
  const thumbprint = await calculateThumbprint(await exportPublicJwk(keys.signing.publicKey))
  const { rows } = await sql<{ id: string }>`
    insert into nokkel.session
      (user_id, organization_id, provider, assurance, thumbprint, device_name, authenticated_at, expires_at)
    values (${userId}::uuid, ${organizationId}::uuid, 'bankid', ${assurance}, ${thumbprint}, 'Prøve',
      now() - ${ageSeconds}::integer * interval '1 second', now() + interval '30 days')
    returning id`.execute(owner)
  const sid = (rows as [{ id: string }])[0].id
  return { id: userId, keys, claims: { sub: userId, sid, role: 'authenticated', organization: organizationId } }
}

/** Signs what {@link registerDevice} takes; `changed` replaces members of the payload, `signer` the key it is signed by. */
export async function makeRegistration(
  { server }: TestDatabase,
  { claims, keys }: LoggedIn,
  changed: Record<string, unknown> = {},
  signer: CryptoKeyPair = keys.signing,
): Promise<string> {
  const encryptionKey = await exportPublicJwk(keys.encryption.publicKey)
  const { id, challenge, sealedNonce } = await createChallenge(server, claims, encryptionKey)
  const context = { purpose: 'device-registration', table: 'device_key', column: 'nonce', row: id, owner: claims.sub }
  const nonce = encodeBase64Url(await open(decodeBase64Url(sealedNonce), keys.encryption, context))
  const payload = {
    v: 1,
    id,
    challenge,
    nonce,
    user: claims.sub,
    session: claims.sid,
    encryptionKey,
    suites: [2],
    name: 'Karis telefon',
    replaces: false,
    iat: Math.floor(Date.now() / 1000),
    ...changed,
  }
  return signJws(payload, signer, 'nokkel-device+jwt')
}

export async function equip(
  database: TestDatabase,
  person: LoggedIn,
  changed: Record<string, unknown> = {},
): Promise<Equipped> {
  const registration = await makeRegistration(database, person, changed)
  const device = await registerDevice(database.server, person.claims, registration, new Date())
  return {
    ...person,
    deviceId: device.id,
    encryptionKey: await exportPublicJwk(person.keys.encryption.publicKey),
    signingThumbprint: device.signingThumbprint,
  }
}

/** A person with a session and a registered device. */
export async function createEquipped(
  database: TestDatabase,
  organizationId: string,
  options: { readonly name?: string; readonly role?: Role } = {},
): Promise<Equipped> {
  const id = await createPerson(database, organizationId, options)
  return equip(database, await logIn(database, organizationId, id))
}

/** The problem code a promise ends with, as the HTTP edge would answer; `null` when it succeeds. */
export async function refusalOf(promise: Promise<unknown>): Promise<string | null> {
  try {
    await promise
    return null
  } catch (error) {
    const { code } = toServerError(error)
    if (code === 'server_failed' || code === 'unavailable') throw error
    return code
  }
}

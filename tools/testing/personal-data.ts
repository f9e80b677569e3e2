import {
  type DeviceKeys,
  decodeBase64Url,
  encodeBase64Url,
  generateDeviceKeys,
  open,
  type PublicJwk,
  seal,
} from '@nokkel/crypto'
import { people } from '@nokkel/sandbox'
import type { Provider } from '@nokkel/server'
import { sql } from 'kysely'
import type { Claims } from '../../packages/server/src/db/with-claims.ts'
import type { TestDatabase } from './database.ts'
import { tryLogin } from './linking.ts'
import { type Answer, consentTo, firstPerson, type LoginSystem } from './login.ts'
import { equip } from './people.ts'

/** Somebody logged in over HTTP. */
export interface Session {
  readonly userId: string
  readonly token: string
  readonly claims: Claims
  readonly signing: CryptoKeyPair
}

export interface EnterOptions {
  readonly person?: string
  /** What they agree to share; default everything. */
  readonly shares?: readonly string[]
  /** Of the text they saw. */
  readonly version?: string
}

export const numberOf = (id: string = firstPerson): string => {
  const number = people.find((person) => person.id === id)?.nationalNumber
  if (!number) throw new Error(`${id} has no number`)
  return number
}

export async function enter(
  system: LoginSystem,
  provider: Provider,
  { person = firstPerson, shares = consentTo(provider).shares, version = 'v1' }: EnterOptions = {},
): Promise<Session> {
  const { status, body, signing } = await tryLogin(system, provider, {
    person,
    begin: { consent: { version, shares } },
  })
  if (status !== 200) throw new Error(`login/complete answered ${status} ${body.code}`)
  return sessionOf(system, body, signing)
}

export function sessionOf(
  system: LoginSystem,
  { userId, tokens }: { readonly userId: string; readonly tokens: { accessToken: string; sessionId: string } },
  signing: CryptoKeyPair,
): Session {
  const claims = {
    sub: userId,
    sid: tokens.sessionId,
    role: 'authenticated',
    organization: system.organizationId,
  } as const
  return { userId, token: tokens.accessToken, claims, signing }
}

/** What a person does with what is held of them. */
export function personalDataOf(system: LoginSystem) {
  const ask = (session: Session, method: string, path: string, body?: unknown): Promise<Answer> =>
    system.request(method, path, { token: session.token, ...(body !== undefined && { body }) })
  const identityKey = async (session: Session): Promise<PublicJwk> =>
    (await ask(session, 'GET', '/nokkel/identity-key')).body.publicKey
  const sealTo = async (
    publicKey: PublicJwk,
    digits: string,
    userId: string,
    changed: Record<string, string> = {},
  ): Promise<string> => {
    const context = {
      purpose: 'personnummer',
      table: 'user_identities',
      column: 'personnummer',
      row: userId,
      owner: userId,
    }
    return encodeBase64Url(await seal(new TextEncoder().encode(digits), publicKey, { ...context, ...changed }))
  }
  const keepSealed = (session: Session, sealed: string, version = 'storage-1') =>
    ask(session, 'PUT', '/nokkel/me/personnummer', { from: 'typed', consent: { version }, sealed })
  return {
    ask,
    identityKey,
    sealTo,
    keepSealed,
    identity: async (session: Session) => (await ask(session, 'GET', '/nokkel/me/identity')).body.identity,
    status: async (session: Session) => (await ask(session, 'GET', '/nokkel/me/personnummer')).body,
    keep: (session: Session, version = 'storage-1') =>
      ask(session, 'PUT', '/nokkel/me/personnummer', { from: 'provider', consent: { version } }),
    type: async (session: Session, digits: string, version?: string) =>
      keepSealed(session, await sealTo(await identityKey(session), digits, session.userId), version),
    decline: (session: Session) => ask(session, 'DELETE', '/nokkel/me/personnummer/offer'),
    reveal: (session: Session) => ask(session, 'POST', '/nokkel/me/personnummer/reveal'),
    consents: async (session: Session) => (await ask(session, 'GET', '/nokkel/me/consents')).body.consents,
    withdraw: (session: Session, id: string) => ask(session, 'DELETE', `/nokkel/me/consents/${id}`),
    /** Withdraws the live one of that purpose. */
    async withdrawPurpose(session: Session, purpose: string): Promise<Answer> {
      const { consents } = (await ask(session, 'GET', '/nokkel/me/consents')).body
      const live = consents.find(
        (consent: { purpose: string; withdrawnAt: string | null }) =>
          consent.purpose === purpose && consent.withdrawnAt === null,
      )
      return ask(session, 'DELETE', `/nokkel/me/consents/${live.id}`)
    },
  }
}

/** Registers the device of a session. */
export async function equipSession(database: TestDatabase, { userId, claims, signing }: Session) {
  const { encryption } = await generateDeviceKeys()
  const keys: DeviceKeys = { signing, encryption }
  return equip(database, { id: userId, claims, keys })
}

/** Opens what was revealed to a device. */
export async function openRevealed(
  sealed: string,
  { deviceId, keys, id }: { readonly deviceId: string; readonly keys: DeviceKeys; readonly id: string },
): Promise<string> {
  const context = {
    purpose: 'personnummer-reveal',
    table: 'device_key',
    column: 'encryption_key',
    row: deviceId,
    owner: id,
  }
  return new TextDecoder().decode(await open(decodeBase64Url(sealed), keys.encryption, context))
}

export async function ageSession({ owner }: TestDatabase, { claims }: Session, seconds: number): Promise<void> {
  await sql`update nokkel.session set authenticated_at = now() - ${seconds}::integer * interval '1 second'
    where id = ${claims.sid}::uuid`.execute(owner)
}

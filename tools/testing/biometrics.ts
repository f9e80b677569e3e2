import type { BiometricEnrollment, Tokens, UnlockChallenge, UnlockCredential } from '@nokkel/contract'
import { calculateThumbprint, exportPublicJwk, generateDeviceKeys, signJws } from '@nokkel/crypto'
import { sql } from 'kysely'
import { type Authenticator, createAuthenticator, type Misbehaviour } from './authenticator.ts'
import type { TestDatabase } from './database.ts'
import { type Answer, firstPerson, type LoginSystem, publicUrl } from './login.ts'
import { type Equipped, equip } from './people.ts'

/** Somebody logged in on a registered device, which has an authenticator. */
export interface Unlockable extends Equipped {
  readonly tokens: Tokens
  readonly authenticator: Authenticator
  /** Of the page, which requests name. Default: they come from none. */
  readonly origin?: string
}

export interface Biometrics {
  /** Logs in on a device of its own, which takes the place of the last one. */
  equipped(person?: string): Promise<Unlockable>
  /** The same, enrolled. */
  enrolled(person?: string): Promise<Unlockable>
  /** The same, with a credential, and just unlocked. */
  unlocked(person?: string): Promise<Unlockable>
  /** Logs in on the device once more: another session, bound to it. */
  again(device: Unlockable, person?: string): Promise<Unlockable>
  enroll(device: Unlockable): Promise<Answer>
  remove(device: Unlockable): Promise<Answer>
  enrollment(device: Unlockable): Promise<BiometricEnrollment | null>
  refresh(device: Unlockable): Promise<Answer>
  challenge(device: Unlockable, signing?: CryptoKeyPair): Promise<Answer>
  /** @throws {Error} No challenge was given. */
  challenged(device: Unlockable): Promise<UnlockChallenge>
  send(device: Unlockable, credential: unknown, signing?: CryptoKeyPair): Promise<Answer>
  /** Asks, answers and sends the answer. */
  unlock(device: Unlockable, misbehaviour?: Misbehaviour): Promise<Answer>
  answer(device: Unlockable, misbehaviour?: Misbehaviour): Promise<UnlockCredential>
  /** Lets time pass for the session, its tokens and challenges. */
  wait(device: Unlockable, minutes: number): Promise<void>
}

export function createBiometrics(database: TestDatabase, system: LoginSystem): Biometrics {
  const biometrics: Biometrics = {
    async equipped(person = firstPerson) {
      const { signing, tokens, userId } = await system.logIn('bankid', person)
      const { encryption } = await generateDeviceKeys()
      const loggedIn = {
        id: userId,
        keys: { signing, encryption },
        claims: {
          sub: userId,
          sid: tokens.sessionId,
          role: 'authenticated' as const,
          organization: system.organizationId,
        },
      }
      const equipped = await equip(database, loggedIn, { replaces: true })
      return { ...equipped, tokens, authenticator: createAuthenticator({ origin: publicUrl }) }
    },
    async enrolled(person) {
      const device = await biometrics.equipped(person)
      expectStatus(await biometrics.enroll(device), 201)
      return device
    },
    async unlocked(person) {
      const device = await biometrics.enrolled(person)
      expectStatus(await biometrics.unlock(device), 200)
      return device
    },
    async again(device, person = firstPerson) {
      const { signing, tokens } = await system.logIn('bankid', person)
      const payload = {
        session: tokens.sessionId,
        thumbprint: await calculateThumbprint(await exportPublicJwk(signing.publicKey)),
        iat: Math.floor(Date.now() / 1000),
      }
      const proof = await signJws(payload, device.keys.signing, 'nokkel-device-resume+jwt')
      const resumed = { ...device, tokens, claims: { ...device.claims, sid: tokens.sessionId } }
      const token = tokens.accessToken
      expectStatus(await system.request('POST', '/nokkel/session/device', { token, body: { proof } }), 200)
      return resumed
    },
    enroll: ({ tokens, origin }) =>
      system.request('POST', '/nokkel/biometrics', { token: tokens.accessToken, headers: fromPage(origin) }),
    remove: ({ tokens }) => system.request('DELETE', '/nokkel/biometrics', { token: tokens.accessToken }),
    async enrollment({ tokens }) {
      const answer = await system.request('GET', '/nokkel/biometrics', { token: tokens.accessToken })
      expectStatus(answer, 200)
      return answer.body.enrollment
    },
    refresh: ({ tokens, keys }) => system.refresh(tokens, keys.signing),
    challenge: ({ claims: { sid: sessionId }, keys, origin }, signing = keys.signing) =>
      system.request('POST', '/nokkel/session/unlock/challenges', {
        signing,
        body: { sessionId },
        headers: fromPage(origin),
      }),
    async challenged(device) {
      const answer = await biometrics.challenge(device)
      expectStatus(answer, 201)
      return answer.body
    },
    send: ({ claims: { sid: sessionId }, keys, origin }, credential, signing = keys.signing) =>
      system.request('POST', '/nokkel/session/unlock', {
        signing,
        body: { sessionId, credential },
        headers: fromPage(origin),
      }),
    async unlock(device, misbehaviour) {
      return biometrics.send(device, await biometrics.answer(device, misbehaviour))
    },
    async answer(device, misbehaviour) {
      return device.authenticator.answer(await biometrics.challenged(device), misbehaviour)
    },
    async wait({ claims }, minutes) {
      const passed = sql`${minutes}::integer * interval '1 minute'`
      await sql`update nokkel.session set authenticated_at = authenticated_at - ${passed},
          unlocked_at = unlocked_at - ${passed}, unlocked_until = unlocked_until - ${passed}, expires_at = expires_at - ${passed}
        where id = ${claims.sid}::uuid`.execute(database.owner)
      await sql`update nokkel.refresh_token set used_at = used_at - ${passed}
        where session_id = ${claims.sid}::uuid`.execute(database.owner)
      await sql`update nokkel.webauthn_challenge set expires_at = expires_at - ${passed}
        where session_id = ${claims.sid}::uuid`.execute(database.owner)
    },
  }
  return biometrics
}

const fromPage = (origin: string | undefined): Record<string, string> => (origin === undefined ? {} : { origin })

function expectStatus({ status, body }: Answer, expected: number): void {
  if (status !== expected) throw new Error(`The server answered ${status} ${body?.code}.`)
}

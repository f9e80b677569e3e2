import type { KeepPersonnummer, UserIdentity } from '@nokkel/contract'
import { type Clock, type Context, encodeBase64Url, seal } from '@nokkel/crypto'
import { codeOf, NokkelError, type NokkelErrorCode } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { OwnKeys } from '../keys/key-management-service.ts'
import type { Lock } from '../lock/lock.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import type { SessionManager } from '../session/session-manager.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { createIdentityCache } from './identity-cache.ts'
import { IdentityRepositoryError } from './identity-error.ts'
import type { StorageConsent, UserIdentityRepository } from './identity-repository.ts'
import { openRevealed } from './open-revealed.ts'
import { faultOf } from './personnummer.ts'

export interface IdentityDependencies {
  readonly call: Call
  readonly session: Pick<SessionManager, 'read' | 'purge' | 'purged'>
  readonly storage: SecureStorage
  readonly lock: Lock
  /** Of this device: a correction that is learnt from the server is forgotten with the page, and the cache is not. */
  readonly now: Clock
  readonly own: () => Promise<OwnKeys>
  readonly changed: () => void
}

interface OfSession {
  readonly ofSession: string
}

interface Reading {
  readonly sessionId: string
  /** The last purge before it. */
  readonly purged: unknown
  readonly row: Promise<UserIdentity | null>
}

type IdentityOperations = Omit<UserIdentityRepository, 'subscribe'>

const messages: { [Code in NokkelErrorCode]?: string } = {
  network_unreachable: 'The server could not be reached. Try again.',
  unavailable: 'The server is busy. Try again in a moment.',
  rate_limited: 'That was tried too often. Try again in a moment.',
  signed_out: 'Nobody is logged in. Log in first.',
  session_ended: 'The session has ended. Log in again.',
  session_expired: 'The session has expired. Log in again.',
  locked: 'This device is locked. Unlock it first.',
  login_too_old: 'This needs a new login. Log in again, then try once more.',
  forbidden: 'This can only be done for oneself.',
  bankid_login_required: 'This needs a login with BankID.',
  personnummer_invalid: 'This is not a personnummer. Look for a digit that was mistyped.',
  personnummer_known: 'A personnummer that BankID or Vipps vouched for is kept already.',
  personnummer_offer_gone: 'What was told at the login is not held any more. Log in again.',
  device_required: 'This device has no keys yet.',
  keys_missing: 'The keys of this device are gone. Log in again.',
  storage_unavailable: 'This browser does not let anything be stored.',
  storage_private_mode: 'Nothing can be stored in a private window. Use an ordinary one.',
  storage_full: 'The storage of this browser is full. Make room, then try again.',
}

export function createIdentityOperations(dependencies: IdentityDependencies): IdentityOperations {
  const { call, session, lock, own, changed } = dependencies
  const cache = createIdentityCache(dependencies)
  let reading: Reading | undefined

  return {
    upsertIdentity: ({ userId }) =>
      guarded(() => write(userId, (options) => call('upsertIdentity', { body: { userId } }, options))),
    getIdentityByUserId: (userId) => guarded(() => read(userId)),
    markBankIdVerified: (userId) => guarded(() => write(userId, (options) => call('markBankIdVerified', {}, options))),
    storePersonnummer: (userId, personnummer, consent) =>
      guarded(() => {
        if (faultOf(personnummer) !== null) throw new NokkelError('personnummer_invalid')
        return write(userId, (options) => keepTyped(userId, personnummer, consent, options))
      }),
    keepOffered: ({ version }) =>
      guarded(async () => {
        const { userId } = await ownRecord()
        await write(userId, (options) => keep({ from: 'provider', consent: { version } }, options))
      }),
    declineOffered: () => guarded(() => call('declinePersonnummer', {})),
    personnummer: () => guarded(() => call('getPersonnummer', {})),
    revealPersonnummer: () =>
      guarded(async () => {
        const keys = await own()
        return openRevealed((await call('revealPersonnummer', {})).sealed, keys)
      }),
    checkPersonnummer: async (personnummer) => faultOf(personnummer),
    purgeLocalIdentityData: () =>
      guarded(async () => {
        reading = undefined
        await cache.purge()
        changed()
      }),
  }

  async function ownRecord(): Promise<SessionRecord> {
    const record = await session.read()
    if (!record) throw new NokkelError('signed_out')
    return record
  }

  async function read(userId: string): Promise<UserIdentity | null> {
    const record = await ownRecord()
    if (record.userId !== userId) return null
    const cached = await cache.get(userId)
    if (cached) return cached
    const purged = await session.purged()
    if (reading?.sessionId === record.sessionId && reading.purged === purged) return reading.row
    const row = oneByOne(() => fetchIdentity(record)).finally(() => {
      if (reading?.row === row) reading = undefined
    })
    reading = { sessionId: record.sessionId, purged, row }
    return row
  }

  async function fetchIdentity(record: SessionRecord): Promise<UserIdentity | null> {
    // Another tab may have fetched it meanwhile.
    const cached = await cache.get(record.userId)
    if (cached) return cached
    const put = await cache.begin(record)
    const { identity } = await call('getIdentity', {}, { ofSession: record.sessionId })
    if (identity === null) {
      await cache.drop()
      return null
    }
    await put(identity)
    return identity
  }

  async function write(userId: string, send: (options: OfSession) => Promise<UserIdentity>): Promise<void> {
    const record = await ownRecord()
    if (record.userId !== userId) throw new NokkelError('forbidden')
    await oneByOne(async () => {
      const put = await cache.begin(record)
      try {
        await put(await send({ ofSession: record.sessionId }))
      } catch (error) {
        // Whether it was done is not known when no answer came.
        await cache.purge().catch(() => {})
        throw error
      } finally {
        changed()
      }
    })
  }

  /** So that no answer is cached over a newer one, of this tab or another. */
  function oneByOne<T>(task: () => Promise<T>): Promise<T> {
    return lock.run('identity_request', task)
  }

  function keep(body: KeepPersonnummer, options: OfSession): Promise<UserIdentity> {
    return call('keepPersonnummer', { body }, options)
  }

  async function keepTyped(
    userId: string,
    personnummer: string,
    { version }: StorageConsent,
    options: OfSession,
  ): Promise<UserIdentity> {
    const place = { table: 'user_identities', column: 'personnummer', row: userId, owner: userId }
    const context: Context = { purpose: 'personnummer', ...place }
    const bytes = new TextEncoder().encode(personnummer)
    const send = async () => {
      const { publicKey } = await call('getIdentityKey', {})
      const sealed = encodeBase64Url(await seal(bytes, publicKey, context))
      return keep({ from: 'typed', consent: { version }, sealed }, options)
    }
    try {
      return await send().catch((error: unknown) => {
        if (codeOf(error) === 'identity_key_unknown') return send()
        throw error
      })
    } finally {
      bytes.fill(0)
    }
  }
}

async function guarded<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    const code = codeOf(error) ?? 'answer_unexpected'
    const retryAfterSeconds = error instanceof NokkelError ? error.data?.retryAfterSeconds : undefined
    throw new IdentityRepositoryError(
      code,
      messages[code],
      typeof retryAfterSeconds === 'number' ? retryAfterSeconds : undefined,
    )
  }
}

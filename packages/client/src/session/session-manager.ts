import type { Clock } from '@nokkel/crypto'
import { doneName } from '../auth/login-records.ts'
import { codeOf, NokkelError, type NokkelErrorCode } from '../errors.ts'
import type { AnswerOf, Endpoint, InputOf } from '../http/endpoints.ts'
import type { Request } from '../http/request.ts'
import { identityLock, purgeIdentity, purgeName } from '../identity/identity-names.ts'
import { deviceName, loginKeyName, type StoredKeys } from '../keys/device-record.ts'
import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { deleteNamesOf, deleteRemains, remainsName } from '../storage/user-namespace.ts'
import { type AuthTokenStore, type BoundKey, type SessionRecord, sessionName } from './auth-token-store.ts'
import type { VaultPlace } from './open-vault.ts'
import { endsDevice, isExpiry, isSessionEnd, type SessionEnd } from './session-end.ts'
import type { Vault } from './vault.ts'

/** Told when the session is over for a reason other than that the person signed out. */
type SessionEndListener = (reason: SessionEnd, record: SessionRecord, notPurged?: NokkelErrorCode) => void

/** Told when the session is to be unlocked before it goes on. */
type SessionLockListener = (record: SessionRecord) => void

export interface SessionManager {
  /** The session of this organisation, if there is one. */
  read(): Promise<SessionRecord | undefined>
  /** Whatever session lies here, of any organisation. */
  held(): Promise<SessionRecord | undefined>
  /** The keys a session may be bound to at the server, those it is known to be bound to first. */
  keysOf(record: SessionRecord): Promise<readonly StoredKeys['keys'][]>
  /**
   * The session, with an access token good for another minute.
   *
   * @throws {NokkelError} `locked`: it is to be unlocked first. `signed_out`: also when another session came while it waited.
   * @param options.not - An access token that the server did not take, although its time was not up.
   * @param options.ofSession - The only session that will do. Default: the one that is there now.
   */
  usable(options?: { not?: string; ofSession?: string | undefined }): Promise<SessionRecord>
  /** Puts this session, and the keys it is bound to, in the place of whatever was here, of which nothing stays cached. */
  write(record: SessionRecord, keys: StoredKeys): Promise<void>
  /** The session goes on with another key; that of its login goes. @throws {NokkelError} `signed_out` */
  bindTo(sessionId: string, boundKey: BoundKey): Promise<void>
  /** Stores what `to` makes of the session, while no tab refreshes it. @throws {NokkelError} `signed_out` */
  change(sessionId: string, to: (record: SessionRecord) => SessionRecord | Promise<SessionRecord>): Promise<void>
  /** The refresh token in the clear. @throws {NokkelError} `locked` */
  refreshTokenOf(record: SessionRecord): Promise<string>
  /** The same session, with this refresh token in the form it is stored in. */
  withRefreshToken(record: SessionRecord, refreshToken: string, isLocked: boolean): Promise<SessionRecord>
  /** Whether the access token is good for another minute. */
  isFresh(record: SessionRecord): boolean
  /** Whether the session is over by what is known here. */
  isOver(record: SessionRecord): boolean
  /** Whether biometrics are due by what is known here. */
  isDue(record: SessionRecord): boolean
  /** Locks the session in every tab. Returns whether it was still as given. */
  lock(record: SessionRecord): Promise<boolean>
  /** Forgets a session the server has ended, and with an ended device its keys and all it remembers. */
  end(reason: SessionEnd, sessionId: string): Promise<void>
  /**
   * Forgets this session, and what is left where there is none, but not another one. Returns why something that was kept of the
   * person could not be deleted.
   */
  clear(sessionId: string | undefined): Promise<NokkelErrorCode | undefined>
  /** Deletes what is cached of who people are, to be fetched anew; what is on its way, to whatever tab, is not to be cached. */
  purge(): Promise<void>
  /** Names the last purge in this session. What was asked for before another one is not cached. */
  purged(): Promise<unknown>
  /** Tries again what could not be deleted at the end of a device. Returns why it cannot. */
  tidy(): Promise<NokkelErrorCode | undefined>
  onEnd(listener: SessionEndListener): void
  onLock(listener: SessionLockListener): void
}

interface SessionDependencies {
  readonly organization: string
  readonly store: AuthTokenStore
  readonly storage: SecureStorage
  readonly request: Request
  readonly lock: Lock
  readonly vault: Vault
  readonly now: Clock
}

/** The provider of the last session, when that has expired, for the page that asks to log in again. */
export function lastProviderName(organization: string): string {
  return `last_provider_v1.${organization}`
}

/**
 * Never written: that a name of this and a session is deleted tells the other tabs that its person was erased, when nothing may be
 * left that says so.
 */
export const erasedPrefix = 'erased_v1.'

const refreshBeforeMilliseconds = 60_000

/** The invariant: a refresh token is used by one tab at a time, and what it gave is stored before the next one looks. */
export function createSessionManager(dependencies: SessionDependencies): SessionManager {
  const { organization, store, storage, request, lock, vault, now } = dependencies
  const listeners = new Set<SessionEndListener>()
  const lockListeners = new Set<SessionLockListener>()
  return {
    read,
    held: () => store.read(),
    keysOf,
    usable,
    write(record, keys) {
      vault.forget()
      return lock.run(identityLock, async () => {
        await purgeIdentity(storage)
        // What is stored from now on is of a device that has not ended.
        const remains = await remainsName(record.userId)
        if ((await storage.get(remains)) !== undefined) await storage.delete(remains)
        // The end of a session deletes it under the same lock: it goes with its session, not with the next one.
        await storage.put(loginKeyName, keys)
        await store.write(record)
      })
    },
    bindTo,
    change,
    refreshTokenOf,
    withRefreshToken,
    isFresh,
    isOver,
    isDue,
    lock: lockAsSeen,
    end,
    clear: (sessionId) =>
      lock.run(identityLock, async () => {
        const stored = await store.read()
        return stored && stored.sessionId !== sessionId ? undefined : clear()
      }),
    purge,
    purged: () => storage.get(purgeName),
    tidy: () => lock.run(identityLock, async () => codeOfFailure(deleteRemains(storage, (await store.read())?.userId))),
    onEnd: (listener) => void listeners.add(listener),
    onLock: (listener) => void lockListeners.add(listener),
  }

  async function read() {
    const record = await store.read()
    return record?.organization === organization ? record : undefined
  }

  function isFresh({ accessTokenExpiresAt }: SessionRecord): boolean {
    return new Date(accessTokenExpiresAt).getTime() - now().getTime() >= refreshBeforeMilliseconds
  }

  function isOver({ sessionExpiresAt }: SessionRecord): boolean {
    return Date.parse(sessionExpiresAt) <= now().getTime()
  }

  function isDue({ unlockedUntil }: SessionRecord): boolean {
    return typeof unlockedUntil === 'string' && Date.parse(unlockedUntil) <= now().getTime()
  }

  async function usable({ not, ofSession }: { not?: string; ofSession?: string | undefined } = {}) {
    const isUsable = (record: SessionRecord) => record.accessToken !== not && isFresh(record)
    const record = await readOrRefuse(ofSession)
    if (isUsable(record)) return record
    return lock.run('refresh', async () => {
      const current = await readOrRefuse(record.sessionId)
      return isUsable(current) ? current : refresh(current)
    })
  }

  async function refresh(record: SessionRecord): Promise<SessionRecord> {
    try {
      if (isOver(record)) throw new NokkelError('session_expired')
      if (isDue(record)) throw new NokkelError('locked')
      const refreshed = await rotate(record)
      await replace(refreshed)
      return refreshed
    } catch (error) {
      const code = codeOf(error)
      if (code === 'unlock_required' || code === 'locked') throw await locked(record, error, code)
      if (code === 'keys_missing' || (code && isSessionEnd(code))) await end(code, record.sessionId)
      throw error
    }
  }

  /** Only where the time is over, other tabs are locked as well: one that has the key of the vault goes on. */
  async function locked(record: SessionRecord, cause: unknown, code: 'unlock_required' | 'locked'): Promise<unknown> {
    if (code === 'unlock_required' || isDue(record)) await markDue(record)
    for (const listener of lockListeners) listener(record)
    return code === 'locked' ? cause : new NokkelError('locked', { cause })
  }

  /** The other tabs are told by what is written. */
  async function markDue(record: SessionRecord): Promise<void> {
    const unlockedUntil = isDue(record) ? record.unlockedUntil : now().toISOString()
    await replace({ ...record, unlockedUntil: unlockedUntil ?? null }).catch(() => {})
  }

  async function lockAsSeen(seen: SessionRecord): Promise<boolean> {
    return lock.run('refresh', async () => {
      const record = await read()
      const isSame = record?.accessToken === seen.accessToken && record.unlockedUntil === seen.unlockedUntil
      if (!isSame) return false
      await markDue(record)
      for (const listener of lockListeners) listener(record)
      return true
    })
  }

  async function rotate(record: SessionRecord): Promise<SessionRecord> {
    const body = { refreshToken: await refreshTokenOf(record) }
    const { answer, boundKey } = await prove(record, 'refreshSession', { body })
    const { refreshToken, ...tokens } = answer
    return withRefreshToken({ ...record, ...tokens, boundKey }, refreshToken, record.lockedRefreshToken !== undefined)
  }

  async function refreshTokenOf(record: SessionRecord): Promise<string> {
    const { sessionId, lockedRefreshToken, refreshToken } = record
    if (lockedRefreshToken !== undefined) {
      return (await vault.open()).decrypt(sessionId, placeOf(record), lockedRefreshToken)
    }
    if (refreshToken === undefined) throw new NokkelError('signed_out')
    return refreshToken
  }

  async function withRefreshToken(record: SessionRecord, token: string, isLocked: boolean): Promise<SessionRecord> {
    const { refreshToken: _, lockedRefreshToken: __, ...rest } = record
    if (!isLocked) return { ...rest, refreshToken: token }
    return {
      ...rest,
      lockedRefreshToken: await (await vault.open()).encrypt(record.sessionId, placeOf(record), token),
    }
  }

  /** Sends with a proof by the key the session is bound to. */
  async function prove<N extends Endpoint>(
    record: SessionRecord,
    endpoint: N,
    input: InputOf<N>,
  ): Promise<{ answer: AnswerOf<N>; boundKey: BoundKey }> {
    const send = async (boundKey: BoundKey) => {
      const stored = (await storage.get(boundKey)) as StoredKeys | undefined
      if (!stored) throw new NokkelError('keys_missing')
      return { answer: await request(endpoint, input, { dpopSigner: stored.keys.signing }), boundKey }
    }
    try {
      return await send(record.boundKey)
    } catch (error) {
      // The server may have bound the session to the device although its answer was lost.
      const boundKey = deviceName(record.userId)
      if (codeOf(error) !== 'dpop_proof_invalid' || record.boundKey === boundKey) throw error
      if ((await storage.get(boundKey)) === undefined) throw error
      return send(boundKey)
    }
  }

  async function keysOf({ boundKey, userId }: SessionRecord) {
    // The server may have bound the session to the device although its answer was lost.
    const names = new Set([boundKey, deviceName(userId)])
    const stored = await Promise.all([...names].map((name) => storage.get(name) as Promise<StoredKeys | undefined>))
    return stored.flatMap((each) => (each ? [each.keys] : []))
  }

  async function bindTo(sessionId: string, boundKey: BoundKey): Promise<void> {
    const bind = async () => {
      await store.write({ ...(await readOrRefuse(sessionId)), boundKey })
      await storage.delete(loginKeyName)
    }
    await lock.run('refresh', () => lock.run(identityLock, bind))
  }

  async function change(sessionId: string, to: (record: SessionRecord) => SessionRecord | Promise<SessionRecord>) {
    await lock.run('refresh', async () => replace(await to(await readOrRefuse(sessionId))))
  }

  /** The same session with something changed; another tab may have signed out of it, or somebody else in, meanwhile. */
  async function replace(record: SessionRecord): Promise<void> {
    await lock.run(identityLock, async () => {
      await readOrRefuse(record.sessionId)
      await store.write(record)
    })
  }

  async function end(reason: SessionEnd, sessionId: string): Promise<void> {
    const ended = await lock.run(identityLock, async () => {
      const record = await read()
      // A login may have put another session in its place meanwhile.
      if (record?.sessionId !== sessionId) return undefined
      const notDeleted = endsDevice(reason) ? await deleteOf(record) : undefined
      if (reason === 'account_erased') await storage.delete(`${erasedPrefix}${sessionId}`).catch(() => {})
      const notPurged = await clear()
      if (isExpiry(reason)) await storage.put(lastProviderName(organization), record.provider).catch(() => {})
      return { record, notPurged: notPurged ?? notDeleted }
    })
    if (!ended) return
    for (const listener of listeners) listener(reason, ended.record, ended.notPurged)
  }

  /** Where this is interrupted the session is refused again, and it goes on; without the key it was as good as done. */
  async function deleteOf({ userId }: SessionRecord): Promise<NokkelErrorCode | undefined> {
    const failure = await codeOfFailure(deleteNamesOf(storage, userId, deviceName(userId)))
    if (failure) {
      await storage.put(await remainsName(userId), userId).catch(() => {})
      await storage.delete(deviceName(userId)).catch(() => {})
    }
    return failure
  }

  /** Who the person is goes before the tokens, which go also when that, or anything else, cannot. Only under {@link identityLock}. */
  async function clear(): Promise<NokkelErrorCode | undefined> {
    const before = [doneName, purgeName, lastProviderName(organization)]
    const notPurged = await codeOfFailure(purgeIdentity(storage))
    const notDeleted = await codeOfFailure(deleteAll(before))
    await store.clear()
    return notPurged ?? notDeleted ?? (await codeOfFailure(storage.delete(loginKeyName)))
  }

  async function purge(): Promise<void> {
    await lock.run(identityLock, async () => {
      // Where nothing more can be stored, no other tab can cache a row either.
      if (await read()) await storage.put(purgeName, crypto.randomUUID()).catch(() => {})
      await purgeIdentity(storage)
    })
  }

  async function deleteAll(names: readonly string[]): Promise<void> {
    const deleted = await Promise.allSettled(names.map((name) => storage.delete(name)))
    const failed = deleted.find(({ status }) => status === 'rejected')
    if (failed) throw (failed as PromiseRejectedResult).reason
  }

  async function readOrRefuse(sessionId?: string): Promise<SessionRecord> {
    const record = await read()
    if (!record || (sessionId !== undefined && record.sessionId !== sessionId)) throw new NokkelError('signed_out')
    return record
  }
}

function placeOf({ userId }: SessionRecord): VaultPlace {
  return { name: sessionName, column: 'lockedRefreshToken', userId }
}

async function codeOfFailure(task: Promise<void>): Promise<NokkelErrorCode | undefined> {
  return task.then(
    () => undefined,
    (error: unknown) => codeOf(error) ?? 'storage_unavailable',
  )
}

import type { Tokens } from '@nokkel/contract'
import type { Clock } from '@nokkel/crypto'
import { doneName } from '../auth/login-records.ts'
import { codeOf, NokkelError, type NokkelErrorCode } from '../errors.ts'
import type { Request } from '../http/request.ts'
import { identityLock, purgeIdentity } from '../identity/identity-names.ts'
import { deviceName, loginKeyName, type StoredKeys } from '../keys/device-record.ts'
import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { deleteNamesOf } from '../storage/user-namespace.ts'
import type { AuthTokenStore, BoundKey, SessionRecord } from './auth-token-store.ts'
import { endsDevice, isSessionEnd, type SessionEnd } from './session-end.ts'

/** Told when the session is over for a reason other than that the person signed out. */
type SessionEndListener = (reason: SessionEnd, record: SessionRecord, notPurged?: NokkelErrorCode) => void

export interface SessionManager {
  /** The session of this organisation, if there is one. */
  read(): Promise<SessionRecord | undefined>
  /** Whatever session lies here, of any organisation, with an access token to end it by. */
  held(): Promise<SessionRecord | undefined>
  /**
   * The session, with an access token good for another minute.
   *
   * @param options.not - An access token that the server did not take, although its time was not up.
   */
  usable(options?: { not?: string }): Promise<SessionRecord>
  /** Puts this session in the place of whatever was here, of which nothing stays cached. */
  write(record: SessionRecord): Promise<void>
  bindTo(boundKey: BoundKey): Promise<void>
  /** Forgets a session the server has ended, and with an ended device its keys and all it remembers. */
  end(reason: SessionEnd, sessionId: string): Promise<void>
  /** Forgets the session. Returns why something that was kept of the person could not be deleted. */
  clear(): Promise<NokkelErrorCode | undefined>
  /** Deletes what is cached of who people are, to be fetched anew. */
  purge(): Promise<void>
  onEnd(listener: SessionEndListener): void
}

interface SessionDependencies {
  readonly organization: string
  readonly store: AuthTokenStore
  readonly storage: SecureStorage
  readonly request: Request
  readonly lock: Lock
  readonly now: Clock
}

const refreshBeforeMilliseconds = 60_000

/** The invariant: a refresh token is used by one tab at a time, and what it gave is stored before the next one looks. */
export function createSessionManager(dependencies: SessionDependencies): SessionManager {
  const { organization, store, storage, request, lock, now } = dependencies
  const listeners = new Set<SessionEndListener>()
  return {
    read,
    held,
    usable,
    write: (record) => lock.run(identityLock, () => purgeIdentity(storage).then(() => store.write(record))),
    bindTo,
    end,
    clear,
    purge: () => lock.run(identityLock, () => purgeIdentity(storage)),
    onEnd: (listener) => void listeners.add(listener),
  }

  async function read() {
    const record = await store.read()
    return record?.organization === organization ? record : undefined
  }

  async function held(): Promise<SessionRecord | undefined> {
    const record = await store.read()
    return record && !isFresh(record) ? lock.run('refresh', () => rotate(record)).catch(() => record) : record
  }

  function isFresh({ accessTokenExpiresAt }: SessionRecord): boolean {
    return new Date(accessTokenExpiresAt).getTime() - now().getTime() >= refreshBeforeMilliseconds
  }

  async function usable(options: { not?: string } = {}): Promise<SessionRecord> {
    const isUsable = (record: SessionRecord) => record.accessToken !== options.not && isFresh(record)
    const record = await readOrRefuse()
    if (isUsable(record)) return record
    return lock.run('refresh', async () => {
      const current = await readOrRefuse()
      return isUsable(current) ? current : refresh(current)
    })
  }

  async function refresh(record: SessionRecord): Promise<SessionRecord> {
    try {
      const refreshed = await rotate(record)
      // Another tab may have signed out, or somebody else in, while the answer was on its way.
      if ((await read())?.sessionId !== record.sessionId) throw new NokkelError('signed_out')
      await store.write(refreshed)
      return refreshed
    } catch (error) {
      const code = codeOf(error)
      if (code === 'keys_missing' || (code && isSessionEnd(code))) await end(code, record.sessionId)
      throw error
    }
  }

  async function rotate(record: SessionRecord): Promise<SessionRecord> {
    try {
      return { ...record, ...(await rotateWith(record, record.boundKey)) }
    } catch (error) {
      // The server may have bound the session to the device although its answer was lost.
      const boundKey = deviceName(record.userId)
      if (codeOf(error) !== 'dpop_proof_invalid' || record.boundKey === boundKey) throw error
      if ((await storage.get(boundKey)) === undefined) throw error
      return { ...record, ...(await rotateWith(record, boundKey)), boundKey }
    }
  }

  async function rotateWith(record: SessionRecord, boundKey: BoundKey): Promise<Tokens> {
    const stored = (await storage.get(boundKey)) as StoredKeys | undefined
    if (!stored) throw new NokkelError('keys_missing')
    const body = { refreshToken: record.refreshToken }
    return request('refreshSession', { body }, { dpopSigner: stored.keys.signing })
  }

  async function bindTo(boundKey: BoundKey): Promise<void> {
    await lock.run('refresh', async () => store.write({ ...(await readOrRefuse()), boundKey }))
  }

  async function end(reason: SessionEnd, sessionId: string): Promise<void> {
    const record = await read()
    if (record?.sessionId !== sessionId) return
    const notDeleted = endsDevice(reason) ? await deleteOf(record) : undefined
    const notPurged = (await clear()) ?? notDeleted
    for (const listener of listeners) listener(reason, record, notPurged)
  }

  /** Where this is interrupted the session is refused again, and it goes on; without the key it was as good as done. */
  async function deleteOf({ userId }: SessionRecord): Promise<NokkelErrorCode | undefined> {
    return codeOfFailure(deleteNamesOf(storage, userId, deviceName(userId)))
  }

  /** Who the person is goes before the tokens, which go also when that cannot. */
  async function clear(): Promise<NokkelErrorCode | undefined> {
    return lock.run(identityLock, async () => {
      const notPurged = await codeOfFailure(purgeIdentity(storage))
      await store.clear()
      await storage.delete(loginKeyName)
      await storage.delete(doneName)
      return notPurged
    })
  }

  async function readOrRefuse(): Promise<SessionRecord> {
    const record = await read()
    if (!record) throw new NokkelError('signed_out')
    return record
  }
}

async function codeOfFailure(task: Promise<void>): Promise<NokkelErrorCode | undefined> {
  return task.then(
    () => undefined,
    (error: unknown) => codeOf(error) ?? 'storage_unavailable',
  )
}

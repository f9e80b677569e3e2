import type { UserIdentity } from '@nokkel/contract'
import type { Clock } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Lock } from '../lock/lock.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import type { SessionManager } from '../session/session-manager.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { cachedAtName, identityLock, identityName, purgeIdentity } from './identity-names.ts'

/** The row as it was answered last. */
export interface IdentityCache {
  /** The row, where it was fetched less than 15 minutes ago. */
  get(userId: string): Promise<UserIdentity | undefined>
  /** Begins to ask. What is given caches the answer, unless the session has ended or all was purged meanwhile. */
  begin(record: SessionRecord): Promise<(row: UserIdentity) => Promise<void>>
  /** There is none. */
  drop(): Promise<void>
  purge(): Promise<void>
}

interface IdentityCacheDependencies {
  readonly session: Pick<SessionManager, 'read' | 'purge' | 'purged'>
  readonly storage: SecureStorage
  readonly lock: Lock
  readonly now: Clock
}

const timeToLiveMilliseconds = 15 * 60_000

export function createIdentityCache({ session, storage, lock, now }: IdentityCacheDependencies): IdentityCache {
  let purges = 0
  return { get, begin, drop, purge }

  async function get(userId: string): Promise<UserIdentity | undefined> {
    const names = [identityName(userId), cachedAtName(userId)]
    const [value, cachedAt] = await stored(Promise.all(names.map((name) => storage.get(name))))
    const row = value as UserIdentity | undefined
    const age = now().getTime() - Date.parse(String(cachedAt))
    return row?.userId === userId && age >= 0 && age < timeToLiveMilliseconds ? row : undefined
  }

  async function begin({ userId, sessionId }: SessionRecord) {
    const asked = purges
    const purged = await stored(session.purged())
    return async (row: UserIdentity) => {
      // An answer to somebody else, who has logged in since.
      if (row.userId !== userId) throw new NokkelError('answer_unexpected')
      await lock.run(identityLock, async () => {
        const isPurged = asked !== purges || (await stored(session.purged())) !== purged
        if (isPurged || (await session.read())?.sessionId !== sessionId) return
        try {
          await stored(storage.put(identityName(userId), row))
          await stored(storage.put(cachedAtName(userId), now().toISOString()))
        } catch (error) {
          await purgeIdentity(storage).catch(() => {})
          throw error
        }
      })
    }
  }

  async function drop(): Promise<void> {
    await lock.run(identityLock, () => stored(purgeIdentity(storage)))
  }

  async function purge(): Promise<void> {
    purges += 1
    await stored(session.purge())
  }
}

/** A storage of the application may fail with anything. */
async function stored<T>(task: Promise<T>): Promise<T> {
  return task.catch((cause: unknown) => {
    throw cause instanceof NokkelError ? cause : new NokkelError('storage_unavailable', { cause })
  })
}

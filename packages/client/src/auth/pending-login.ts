import type { Share } from '@nokkel/contract'
import type { Lock } from '../lock/lock.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { pendingMilliseconds } from './login-records.ts'

/** A login between leaving for the provider and coming back. */
export interface PendingLogin {
  readonly verifier: string
  readonly state: string
  readonly nonce: string
  readonly login: {
    readonly organization: string
    readonly startedAt: string
    readonly shares: readonly Share[]
    /** What the server calls it; absent until it has answered. */
    readonly id?: string
    readonly returnTo?: string
    /** The session it adds a way in to. */
    readonly linkSessionId?: string
    /** It is to show who the person of the stored link is: finished with the key of that one. */
    readonly confirms?: true
    /** Where the provider is: only there an app may send the browser on. */
    readonly providerOrigin?: string
  }
}

/** The logins of this browser that are under way: the newest of a provider under its own names, those of before it by their state. */
export interface PendingLogins {
  store(provider: ProviderId, pending: PendingLogin): Promise<void>
  /** What is too old, or only in part there, is deleted. */
  list(provider: ProviderId): Promise<readonly PendingLogin[]>
  /** @param state - Of the login that is meant. Default: the newest. */
  clear(provider: ProviderId, state?: string): Promise<void>
}

const parts = ['verifier', 'state', 'nonce', 'login'] as const
/** How many of one provider are kept besides the newest. */
const maximumEarlier = 4

/** One tab at a time reads or writes: a login is several values. */
export function createPendingLogins(storage: SecureStorage, lock: Lock, now: () => Date): PendingLogins {
  const inTurn = <T>(task: () => Promise<T>) => lock.run('pending', task)
  return {
    store: (provider, pending) => inTurn(() => store(provider, pending)),
    list: (provider) => inTurn(() => list(provider)),
    clear: (provider, state) => inTurn(() => clear(provider, state)),
  }

  async function store(provider: ProviderId, pending: PendingLogin): Promise<void> {
    const earlier = (await list(provider)).filter(({ state }) => state !== pending.state)
    await storage.delete(earlierName(provider, pending.state))
    for (const one of earlier.slice(0, maximumEarlier)) await storage.put(earlierName(provider, one.state), one)
    for (const { state } of earlier.slice(maximumEarlier)) await storage.delete(earlierName(provider, state))
    for (const part of parts) await storage.put(nameOf(provider, part), pending[part])
  }

  async function list(provider: ProviderId): Promise<PendingLogin[]> {
    const values = await Promise.all(parts.map((part) => storage.get(nameOf(provider, part))))
    const newest = Object.fromEntries(parts.map((part, index) => [part, values[index]]))
    const logins: PendingLogin[] = []
    for (const name of await storage.list(earlierName(provider, ''))) {
      const earlier = await storage.get(name)
      if (isPending(earlier)) logins.push(earlier)
      else await storage.delete(name)
    }
    if (!isPending(newest)) await clear(provider)
    // Also earlier is one whose names another one was being written to.
    else if (!logins.some(({ state }) => state === newest.state)) logins.push(newest)
    return logins.sort((one, other) => Date.parse(other.login.startedAt) - Date.parse(one.login.startedAt))
  }

  function isPending(value: unknown): value is PendingLogin {
    const { verifier, state, nonce, login } = (value ?? {}) as Partial<PendingLogin>
    const isWhole = [verifier, state, nonce].every((text) => typeof text === 'string')
    return isWhole && login !== undefined && now().getTime() - Date.parse(login.startedAt) < pendingMilliseconds
  }

  async function clear(provider: ProviderId, state?: string): Promise<void> {
    const newest = await storage.get(nameOf(provider, 'state'))
    if (state !== undefined) await storage.delete(earlierName(provider, state))
    if (state !== undefined && newest !== undefined && newest !== state) return
    for (const part of parts) await storage.delete(nameOf(provider, part))
  }
}

function nameOf(provider: ProviderId, part: (typeof parts)[number]): string {
  return `${provider}_pkce_v1_${part}`
}

function earlierName(provider: ProviderId, state: string): string {
  return `${provider}_pkce_v1_earlier.${state}`
}

import type { Share } from '@nokkel/contract'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'

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

const parts = ['verifier', 'state', 'nonce', 'login'] as const

function nameOf(provider: ProviderId, part: (typeof parts)[number]): string {
  return `${provider}_pkce_v1_${part}`
}

export async function storePendingLogin(
  storage: SecureStorage,
  provider: ProviderId,
  pending: PendingLogin,
): Promise<void> {
  for (const part of parts) await storage.put(nameOf(provider, part), pending[part])
}

/** `undefined` also when only a part of it is there. */
export async function readPendingLogin(
  storage: SecureStorage,
  provider: ProviderId,
): Promise<PendingLogin | undefined> {
  const [verifier, state, nonce, login] = await Promise.all(parts.map((part) => storage.get(nameOf(provider, part))))
  if (typeof verifier !== 'string' || typeof state !== 'string' || typeof nonce !== 'string' || !login) return undefined
  return { verifier, state, nonce, login: login as PendingLogin['login'] }
}

/**
 * @param state - Of the login that is meant: one that another tab has begun since stays. Default: whichever is there.
 */
export async function clearPendingLogin(storage: SecureStorage, provider: ProviderId, state?: string): Promise<void> {
  const stored = await storage.get(nameOf(provider, 'state'))
  if (state !== undefined && stored !== undefined && stored !== state) return
  for (const part of parts) await storage.delete(nameOf(provider, part))
}

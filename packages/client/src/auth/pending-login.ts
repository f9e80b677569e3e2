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
    readonly id?: string
    readonly returnTo?: string
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

/** Takes a pending login out of storage, whole or not: a code is never tried twice. */
export async function takePendingLogin(
  storage: SecureStorage,
  provider: ProviderId,
): Promise<PendingLogin | undefined> {
  const [verifier, state, nonce, login] = await Promise.all(parts.map((part) => storage.get(nameOf(provider, part))))
  await clearPendingLogin(storage, provider)
  if (typeof verifier !== 'string' || typeof state !== 'string' || typeof nonce !== 'string' || !login) return undefined
  return { verifier, state, nonce, login: login as PendingLogin['login'] }
}

export async function clearPendingLogin(storage: SecureStorage, provider: ProviderId): Promise<void> {
  for (const part of parts) await storage.delete(nameOf(provider, part))
}

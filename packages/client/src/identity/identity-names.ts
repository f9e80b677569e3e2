import type { SecureStorage } from '../storage/secure-storage.ts'

export const identityPrefix = 'identity_'

/** The lock under which a row is cached and purged, so that none is written behind a session that ends meanwhile. */
export const identityLock = 'identity'

/** Another value after each purge within a session. */
export const purgeName = 'purge_v1'

export function identityName(userId: string): string {
  return `${identityPrefix}v1.${userId}`
}

export function cachedAtName(userId: string): string {
  return `${identityPrefix}cached_at_v1.${userId}`
}

/** Deletes whatever is cached of who people are, as far as it goes. Only under {@link identityLock}. */
export async function purgeIdentity(storage: SecureStorage): Promise<void> {
  const deleted = await Promise.allSettled((await storage.list(identityPrefix)).map((name) => storage.delete(name)))
  const failed = deleted.find(({ status }) => status === 'rejected')
  if (failed) throw (failed as PromiseRejectedResult).reason
}

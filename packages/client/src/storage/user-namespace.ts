import { encodeBase64Url } from '@nokkel/crypto'
import type { SecureStorage } from './secure-storage.ts'

/** What names hold instead of the id of a person: base64url of the first 16 bytes of its SHA-256. */
export async function userNamespace(userId: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(userId))
  return encodeBase64Url(new Uint8Array(digest, 0, 16))
}

/** Deletes everything whose name says that it is of this person; `last` after all else. */
export async function deleteNamesOf(storage: SecureStorage, userId: string, last: string): Promise<void> {
  const namespace = await userNamespace(userId)
  for (const name of [...(await storage.list('')).filter((other) => other !== last), last]) {
    if (name.includes(userId) || name.includes(namespace)) await storage.delete(name)
  }
}

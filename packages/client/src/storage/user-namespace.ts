import { encodeBase64Url } from '@nokkel/crypto'
import type { SecureStorage } from './secure-storage.ts'

/** What names hold instead of the id of a person: base64url of the first 16 bytes of its SHA-256. */
export async function userNamespace(userId: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(userId))
  return encodeBase64Url(new Uint8Array(digest, 0, 16))
}

/** Deletes everything whose name says that it is of this person; `last` only after all else. */
export async function deleteNamesOf(storage: SecureStorage, userId: string, last: string): Promise<void> {
  const namespace = await userNamespace(userId)
  const failures: unknown[] = []
  for (const name of await storage.list('')) {
    if (name === last || !(name.includes(userId) || name.includes(namespace))) continue
    await storage.delete(name).catch((error: unknown) => failures.push(error))
  }
  if (failures.length > 0) throw failures[0]
  await storage.delete(last)
}

const remainsPrefix = 'remains_v1.'

/** Where it is kept of whom something could not be deleted. */
export async function remainsName(userId: string): Promise<string> {
  return `${remainsPrefix}${await userNamespace(userId)}`
}

/** Deletes what is left of people whose device has ended, but of `present`. */
export async function deleteRemains(storage: SecureStorage, present: string | undefined): Promise<void> {
  for (const name of await storage.list(remainsPrefix)) {
    const userId = (await storage.get(name)) as string | undefined
    if (userId !== undefined && userId !== present) await deleteNamesOf(storage, userId, name)
  }
}

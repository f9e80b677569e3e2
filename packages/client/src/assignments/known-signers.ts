import type { Thumbprint } from '@nokkel/crypto'
import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'

type KnownSigners = Readonly<Record<string, readonly Thumbprint[]>>

function knownSignersName(userId: string): string {
  return `known_signer_v1.${userId}`
}

/** The signing keys this device has seen of a sender before. */
export async function knownSigners(
  storage: SecureStorage,
  userId: string,
  senderId: string,
): Promise<readonly Thumbprint[]> {
  const known = (await storage.get(knownSignersName(userId))) as KnownSigners | undefined
  return known?.[senderId] ?? []
}

/** Remembers a signing key. Returns whether it was new here. */
export async function rememberSigner(
  { storage, lock }: { readonly storage: SecureStorage; readonly lock: Lock },
  userId: string,
  senderId: string,
  thumbprint: Thumbprint,
): Promise<boolean> {
  return lock.run('signers', async () => {
    const known = ((await storage.get(knownSignersName(userId))) ?? {}) as KnownSigners
    const seen = known[senderId] ?? []
    if (seen.includes(thumbprint)) return false
    await storage.put(knownSignersName(userId), { ...known, [senderId]: [...seen, thumbprint] })
    return true
  })
}

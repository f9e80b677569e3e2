import type { Lock } from '../lock/lock.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { BiometricAuthenticator, CredentialOptions, MadeCredential } from './biometric-authenticator.ts'
import { credentialName } from './biometric-names.ts'

/**
 * Which credentials this browser made. Who copies its storage has the key of the device, and could have made the first one:
 * the browser it was copied from must not go on with that as if nothing was.
 */
export interface MadeCredentials {
  /** Whether what the server asks for was made here. */
  has(userId: string, options: CredentialOptions): Promise<boolean>
  add(userId: string, credential: MadeCredential): Promise<void>
  /** Forgets them, and tells the device that they are of no use any more, where it listens. */
  forget(userId: string): Promise<void>
}

export function createMadeCredentials(
  storage: SecureStorage,
  lock: Lock,
  authenticator: BiometricAuthenticator,
): MadeCredentials {
  return {
    async has(userId, { allowCredentials }) {
      const asked = (allowCredentials ?? []) as readonly { readonly id: string }[]
      const made = await read(userId)
      return asked.length > 0 && asked.every(({ id }) => made.some((credential) => credential.id === id))
    },
    async add(userId, credential) {
      // Of two tabs that make one at once, only the server knows whose it takes.
      await lock.run('biometric_credential', async () => {
        await storage.put(await credentialName(userId), [...(await read(userId)), credential])
      })
    },
    async forget(userId) {
      await lock.run('biometric_credential', async () => {
        const made = await read(userId)
        await storage.delete(await credentialName(userId))
        for (const credential of made) void authenticator.forget?.(credential).catch(() => {})
      })
    },
  }

  async function read(userId: string): Promise<readonly MadeCredential[]> {
    return ((await storage.get(await credentialName(userId))) as readonly MadeCredential[] | undefined) ?? []
  }
}

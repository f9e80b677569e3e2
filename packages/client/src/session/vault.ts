import { lazily } from '../lazily.ts'
import type { OpenVault } from './open-vault.ts'

/**
 * Encrypts what must not be of use in a copy of the storage, under a key that only the authenticator of this device gives and
 * that lies in memory only.
 */
export interface Vault {
  /** What it does is loaded when there is something to encrypt for the first time. */
  open(): Promise<OpenVault>
  /** Forgets the key. */
  forget(): void
  close(): void
}

export function createVault(): Vault {
  let opened: OpenVault | undefined
  const open = lazily(async () => {
    opened = (await import('./open-vault.ts')).createOpenVault()
    return opened
  })
  return { open, forget: () => opened?.forget(), close: () => opened?.close() }
}

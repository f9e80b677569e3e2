import {
  joinEnvelope,
  type KeyOwner,
  openPrivateKey,
  parseEncryptedPrivateKey,
  privateKeyContext,
} from '@nokkel/crypto'
import type { Keyring } from '../keyring/keyring.ts'

/** A private key where the database has it. */
export interface StoredPrivateKey {
  readonly owner: KeyOwner
  readonly keyId: string
  readonly ownerId: string
  /** The column `encrypted_private_key`. */
  readonly encryptedPrivateKey: string
}

/** Opens private keys for the server's own use, and keeps them open for a short while. Never decides who may use them. */
export interface PrivateKeys {
  /** @throws {CryptoError} `open_failed`: not the key of this row and this owner. */
  use<T>(stored: StoredPrivateKey, work: (key: CryptoKey) => Promise<T>): Promise<T>
  forget(keyId: string): void
}

export interface PrivateKeysOptions {
  readonly keyring: Keyring
  readonly now: () => Date
  /** How many times a busy key is imported: one imported key works on one core at a time. */
  readonly maximumCopies: number
  /** Default 500. */
  readonly maximumKeys?: number
}

interface Copy {
  readonly key: Promise<CryptoKey>
  users: number
}

interface Entry {
  readonly stored: StoredPrivateKey
  readonly expiresAt: number
  readonly copies: Copy[]
}

const lifetimeMilliseconds = 60_000

export function createPrivateKeys(options: PrivateKeysOptions): PrivateKeys {
  const { keyring, now, maximumCopies, maximumKeys = 500 } = options
  const entries = new Map<string, Entry>()

  let isExpiring = false

  function expire(): void {
    isExpiring = false
    const time = now().getTime()
    // In the order they were opened, which is that in which they expire.
    for (const [keyId, { expiresAt }] of entries) {
      if (expiresAt > time) break
      entries.delete(keyId)
    }
    const [next] = entries.values()
    if (next) expireIn(next.expiresAt - time)
  }

  function expireIn(milliseconds: number): void {
    if (isExpiring) return
    isExpiring = true
    const timer = setTimeout(expire, milliseconds)
    // Nothing stays up for this; where a timer is a number, nothing would.
    if (typeof timer === 'object') timer.unref()
  }

  function find(stored: StoredPrivateKey): Entry {
    const time = now().getTime()
    const known = entries.get(stored.keyId)
    // Under the same id another owner or another envelope is another key: it must open for itself.
    if (known && known.expiresAt > time && isSame(known.stored, stored)) return known
    const entry = { stored, expiresAt: time + lifetimeMilliseconds, copies: [] }
    entries.delete(stored.keyId)
    entries.set(stored.keyId, entry)
    if (entries.size > maximumKeys) entries.delete(entries.keys().next().value ?? '')
    expireIn(lifetimeMilliseconds)
    return entry
  }

  function take(entry: Entry): Copy {
    const [first, ...others] = entry.copies
    const least = first && others.reduce((one, other) => (other.users < one.users ? other : one), first)
    if (least && (least.users === 0 || entry.copies.length >= maximumCopies)) return least
    const copy: Copy = { key: open(entry.stored), users: 0 }
    entry.copies.push(copy)
    copy.key.catch(() => entries.delete(entry.stored.keyId))
    return copy
  }

  async function open({ owner, keyId, ownerId, encryptedPrivateKey }: StoredPrivateKey): Promise<CryptoKey> {
    const envelope = joinEnvelope(parseEncryptedPrivateKey(encryptedPrivateKey))
    const bytes = await keyring.unwrap(envelope, privateKeyContext(owner, keyId, ownerId))
    try {
      return await openPrivateKey(bytes)
    } finally {
      bytes.fill(0)
    }
  }

  return {
    async use(stored, work) {
      const entry = find(stored)
      const copy = take(entry)
      copy.users++
      try {
        return await work(await copy.key)
      } finally {
        copy.users--
      }
    },
    forget(keyId) {
      entries.delete(keyId)
    },
  }
}

const isSame = (one: StoredPrivateKey, other: StoredPrivateKey): boolean =>
  one.owner === other.owner && one.ownerId === other.ownerId && one.encryptedPrivateKey === other.encryptedPrivateKey

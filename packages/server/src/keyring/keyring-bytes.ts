import { keyByteLength } from './key-text.ts'
import { assertRootKeys, type RootKeys } from './root-keys.ts'

/** Version 1 holds one index key; only version 2 has room for the previous one. */
export type KeyringVersion = 1 | 2

/** The one that every reader knows, where it suffices. */
export const keyringVersionOf = ({ indexKeys }: RootKeys): KeyringVersion => (indexKeys.length === 1 ? 1 : 2)

/**
 * The number of master keys as one byte, in version 2 that of index keys as another; the master keys; the index keys. No
 * text, which could not be overwritten.
 */
export function serializeKeyring(keys: RootKeys): Uint8Array {
  assertRootKeys(keys)
  const { masterKeys, indexKeys } = keys
  if (masterKeys.length > 255) throw new TypeError('There are more than 255 master keys.')
  const counts = keyringVersionOf(keys) === 1 ? [masterKeys.length] : [masterKeys.length, indexKeys.length]
  const bytes = new Uint8Array(counts.length + keyByteLength * (masterKeys.length + indexKeys.length))
  bytes.set(counts)
  for (const [index, key] of [...masterKeys, ...indexKeys].entries()) {
    bytes.set(key, counts.length + keyByteLength * index)
  }
  return bytes
}

/** @throws {Error} The bytes are not those of a keyring. */
export function parseKeyringBytes(bytes: Uint8Array, version: KeyringVersion): RootKeys {
  const masterCount = bytes[0] ?? 0
  const indexCount = version === 1 ? 1 : (bytes[1] ?? 0)
  const keyCount = masterCount + indexCount
  if (masterCount === 0 || bytes.byteLength !== version + keyByteLength * keyCount) {
    throw new Error('The keyring file does not hold a keyring.')
  }
  const keys = Array.from({ length: keyCount }, (_, index) =>
    bytes.slice(version + keyByteLength * index, version + keyByteLength * (index + 1)),
  )
  const rootKeys = { masterKeys: keys.slice(0, masterCount), indexKeys: keys.slice(masterCount) }
  assertRootKeys(rootKeys)
  return rootKeys
}

import { keyByteLength } from './key-text.ts'
import { assertRootKeys, type RootKeys } from './root-keys.ts'

/** The number of master keys as one byte, the master keys, the index key. No text, which could not be overwritten. */
export function serializeKeyring(keys: RootKeys): Uint8Array {
  assertRootKeys(keys)
  const { masterKeys, indexKey } = keys
  if (masterKeys.length > 255) throw new TypeError('There are more than 255 master keys.')
  const bytes = new Uint8Array(1 + keyByteLength * (masterKeys.length + 1))
  bytes[0] = masterKeys.length
  for (const [index, key] of [...masterKeys, indexKey].entries()) bytes.set(key, 1 + keyByteLength * index)
  return bytes
}

/** @throws {Error} The bytes are not those of a keyring. */
export function parseKeyringBytes(bytes: Uint8Array): RootKeys {
  const count = bytes[0] ?? 0
  if (count === 0 || bytes.byteLength !== 1 + keyByteLength * (count + 1)) {
    throw new Error('The keyring file does not hold a keyring.')
  }
  const keys = Array.from({ length: count + 1 }, (_, index) =>
    bytes.slice(1 + keyByteLength * index, 1 + keyByteLength * (index + 1)),
  )
  const rootKeys = { masterKeys: keys.slice(0, count), indexKey: keys[count] as Uint8Array }
  assertRootKeys(rootKeys)
  return rootKeys
}

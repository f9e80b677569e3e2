import { encodeBase64Url } from '@nokkel/crypto'

/** What people are recognised by. Values are compared as they are: bring them into one form first. */
export type IndexedField = 'personnummer' | 'phone' | 'email'

/** Key-dependent and one-way: equal values of a field have equal indexes, and nothing else can be learned from one. */
export interface BlindIndex {
  /** 32 bytes, under the present index key. */
  index(field: IndexedField, value: string): Promise<Uint8Array>
  /** Names the index key without telling anything of it. */
  keyId(): Promise<string>
  /** The same under the previous index key, while there is one: people may still stand under that. */
  previous(): Promise<BlindIndex | null>
}

const text = new TextEncoder()

/**
 * HMAC-SHA-256 under a key derived from the index key for each field.
 *
 * @param indexKey - 32 secret bytes, other than the master key. Losing it means that known people cannot be recognised.
 * @param previousKey - The index key before it, while people are still under that.
 * @throws {TypeError} A key has another length.
 */
export function createBlindIndex(indexKey: Uint8Array, previousKey?: Uint8Array): BlindIndex {
  if (!(indexKey instanceof Uint8Array) || indexKey.byteLength !== 32) {
    throw new TypeError('The index key must be 32 bytes.')
  }
  const before = previousKey === undefined ? null : createBlindIndex(previousKey)
  const root = crypto.subtle.importKey('raw', new Uint8Array(indexKey), 'HKDF', false, ['deriveKey'])
  const keys: Record<IndexedField, Promise<CryptoKey>> = {
    personnummer: root.then((key) => deriveKey(key, 'personnummer')),
    phone: root.then((key) => deriveKey(key, 'phone')),
    email: root.then((key) => deriveKey(key, 'email')),
  }
  const index = async (field: IndexedField, value: string) =>
    new Uint8Array(await crypto.subtle.sign('HMAC', await keys[field], text.encode(value)))
  return {
    index,
    keyId: async () => encodeBase64Url((await index('personnummer', 'nokkel/key-id/v1')).subarray(0, 16)),
    previous: async () => before,
  }
}

function deriveKey(root: CryptoKey, field: IndexedField): Promise<CryptoKey> {
  return crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: text.encode(`nokkel/index/${field}/v1`) },
    root,
    { name: 'HMAC', hash: 'SHA-256', length: 256 },
    false,
    ['sign'],
  )
}

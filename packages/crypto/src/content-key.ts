import { assertByteLength, type Bytes } from './bytes.ts'
import { encodeText } from './text.ts'

/** The raw key of one object or one file: 32 secret bytes. */
export type ContentKey = Bytes & { readonly __brand: 'ContentKey' }

const keyByteLength = 32
const keyIdByteLength = 16

/**
 * Makes a random content-encryption key (CEK). Use it for one object and never again; overwrite it with `fill(0)` when
 * it is wrapped.
 *
 * @example
 * ```ts
 * const key = generateContentKey()
 * key.byteLength // 32
 * ```
 */
export function generateContentKey(): ContentKey {
  return crypto.getRandomValues(new Uint8Array(keyByteLength)) as ContentKey
}

export function assertContentKey(value: unknown, name: string): asserts value is ContentKey {
  assertByteLength(value, keyByteLength, name)
}

/** First 16 bytes of HMAC-SHA-256 under the key itself, so that the id of a key says nothing about its bits. */
export async function calculateKeyId(key: Bytes): Promise<Bytes> {
  const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const tag = await crypto.subtle.sign('HMAC', hmac, encodeText('nokkel/key-id/v1'))
  return new Uint8Array(tag, 0, keyIdByteLength)
}

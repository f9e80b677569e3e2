import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import type { Bytes } from './bytes.ts'

/**
 * Encodes bytes as base64 with padding: the text form of managed keys alone, which other EKM-05 software reads.
 *
 * @throws {TypeError} `bytes` is not a `Uint8Array`.
 *
 * @example
 * ```ts
 * encodeBase64(new Uint8Array([0xfb, 0xff])) // '+/8='
 * ```
 * @see RFC 4648 §4
 */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encodeBase64Url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
}

/**
 * Decodes base64 with padding. Every byte string has exactly one accepted text.
 *
 * @throws {TypeError} `text` is not the canonical encoding of anything. The message does not repeat it.
 * @see RFC 4648 §3.5, §4
 */
export function decodeBase64(text: string): Bytes {
  if (typeof text !== 'string' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new TypeError('text must be base64 with padding')
  }
  return decodeBase64Url(text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''))
}

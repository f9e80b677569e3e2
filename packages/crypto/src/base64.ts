import { fromBinaryText, toBinaryText } from './base64url.ts'
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
  return btoa(toBinaryText(bytes))
}

/**
 * Decodes base64 with padding. Every byte string has exactly one accepted text.
 *
 * @throws {TypeError} `text` is not the canonical encoding of anything. The message does not repeat it.
 * @see RFC 4648 §3.5, §4
 */
export function decodeBase64(text: string): Bytes {
  const bytes = typeof text === 'string' && text.length % 4 === 0 ? decodeForgiving(text) : undefined
  if (!bytes || !isCanonical(bytes, text)) throw new TypeError('text must be canonical base64 with padding')
  return bytes
}

// `atob` takes text without padding and with white space, too; no regular expression, as these remember what they are
// tried on, and this is used on private keys.
function decodeForgiving(text: string): Bytes | undefined {
  try {
    return fromBinaryText(atob(text))
  } catch {
    return undefined
  }
}

function isCanonical(bytes: Bytes, text: string): boolean {
  if (Math.ceil(bytes.byteLength / 3) * 4 !== text.length) return false
  const groups = Math.max(0, Math.ceil(bytes.byteLength / 3) - 1)
  return encodeBase64(bytes.subarray(groups * 3)) === text.slice(groups * 4)
}

import { assertBytes, type Bytes } from './bytes.ts'

const argumentLimit = 0x8000

/**
 * Encodes bytes as base64url without padding, the only text form of bytes on the wire.
 *
 * @param bytes - Any length, also none.
 * @throws {TypeError} `bytes` is not a `Uint8Array`.
 *
 * @example
 * ```ts
 * encodeBase64Url(new Uint8Array([0xfb, 0xff])) // '-_8'
 * ```
 * @see RFC 4648 §5, RFC 7515 §2
 */
export function encodeBase64Url(bytes: Uint8Array): string {
  return btoa(toBinaryText(bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** One character for each byte, as `btoa` takes them. */
export function toBinaryText(bytes: Uint8Array): string {
  assertBytes(bytes, 'bytes')
  let binary = ''
  for (let offset = 0; offset < bytes.byteLength; offset += argumentLimit) {
    const part = bytes.subarray(offset, offset + argumentLimit)
    // Not spread: that goes through an iterator and takes six times as long.
    binary += String.fromCharCode.apply(null, part as unknown as number[])
  }
  return binary
}

export function fromBinaryText(binary: string): Bytes {
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index)
  return bytes
}

/**
 * Decodes base64url without padding. Every byte string has exactly one accepted text: padding, white space, the
 * other alphabet and left-over bits that are not zero are refused.
 *
 * @throws {TypeError} `text` is not the canonical encoding of anything. The message does not repeat it.
 *
 * @example
 * ```ts
 * decodeBase64Url('-_8') // Uint8Array [0xfb, 0xff]
 * ```
 * @see RFC 4648 §3.5, §5
 */
export function decodeBase64Url(text: string): Bytes {
  if (typeof text !== 'string' || !/^[\w-]*$/.test(text) || text.length % 4 === 1) {
    throw new TypeError('text must be base64url without padding')
  }
  const bytes = fromBinaryText(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
  const tail = text.length - (text.length % 4)
  if (encodeBase64Url(bytes.subarray((tail / 4) * 3)) !== text.slice(tail)) {
    throw new TypeError('text must be canonical base64url')
  }
  return bytes
}

import { assertBytes, type Bytes } from './bytes.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * Encodes bytes as Crockford's base32, which people can read aloud and type: one case, and no i, l, o or u.
 *
 * @param bytes - A multiple of five bytes, so that no bit is left over.
 */
export function encodeBase32(bytes: Uint8Array): string {
  assertBytes(bytes, 'bytes')
  if (bytes.byteLength % 5 !== 0) throw new RangeError('bytes must be a multiple of 5')
  let text = ''
  let [pending, bits] = [0, 0]
  for (const byte of bytes) {
    pending = (pending << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(pending >> (bits - 5)) & 31]
    pending &= (1 << bits) - 1
  }
  return text
}

/** Reads either case, o as 0, i and l as 1. `null` for anything else, and for what does not fill its bytes. */
export function decodeBase32(text: string): Bytes | null {
  if (text.length % 8 !== 0) return null
  const bytes = new Uint8Array((text.length / 8) * 5)
  let [pending, bits, at] = [0, 0, 0]
  for (const character of text.toLowerCase()) {
    const digit = alphabet.indexOf(character === 'o' ? '0' : character === 'i' || character === 'l' ? '1' : character)
    if (digit < 0) return null
    pending = (pending << 5) | digit
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = pending >> bits
      pending &= (1 << bits) - 1
    }
  }
  return bytes
}

/**
 * Whether these bytes are the one DER encoding of an ECDSA signature: the library also reads others, which are no signatures
 * of any authenticator.
 *
 * @see RFC 3279 §2.2.3, X.690 §8.3.2, §10.1
 */
export function isEcdsaSignature(bytes: Uint8Array): boolean {
  const [sequence, length, , first = 0] = bytes
  const second = 4 + first
  return (
    sequence === 0x30 &&
    length === bytes.byteLength - 2 &&
    length < 0x80 &&
    second + 2 <= bytes.byteLength &&
    isPositiveInteger(bytes.subarray(2, second)) &&
    isPositiveInteger(bytes.subarray(second))
  )
}

function isPositiveInteger(bytes: Uint8Array): boolean {
  const [tag, length, leading = 0x80, next = 0] = bytes
  return tag === 0x02 && length === bytes.byteLength - 2 && leading < 0x80 && (leading !== 0 || next >= 0x80)
}

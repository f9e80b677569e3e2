import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { sha256 } from './bytes.ts'
import { encodeJson } from './json.ts'
import { assertPublicJwk, type PublicJwk } from './public-jwk.ts'

/** Names a public key: SHA-256 of its canonical JWK, 32 bytes as 43 characters of base64url. */
export type Thumbprint = string & { readonly __brand: 'Thumbprint' }

const thumbprintByteLength = 32

/**
 * Calculates the SHA-256 thumbprint of a public key.
 *
 * @throws {CryptoError} `key_unusable`: not a P-256 public key with exactly its four members.
 *
 * @example
 * ```ts
 * const { signing } = await generateDeviceKeys()
 * const thumbprint = await calculateThumbprint(await exportPublicJwk(signing.publicKey)) // 43 characters
 * ```
 * @see RFC 7638 §3
 */
export async function calculateThumbprint(jwk: PublicJwk): Promise<Thumbprint> {
  const { kty, crv, x, y } = assertPublicJwk(jwk)
  return encodeBase64Url(await sha256(encodeJson({ crv, kty, x, y }))) as Thumbprint
}

/**
 * Writes a thumbprint as 30 decimal digits in 6 groups of 5, for two people to compare on the telephone.
 *
 * Group *i* is bytes 5*i* to 5*i* + 4 of the thumbprint as a big-endian integer, modulo 100 000: about 99 bits in all.
 *
 * @throws {TypeError} `thumbprint` is not 32 bytes as base64url.
 *
 * @example
 * ```ts
 * const { encryption } = await generateDeviceKeys()
 * formatFingerprint(await calculateThumbprint(await exportPublicJwk(encryption.publicKey))) // '04821 99310 …'
 * ```
 */
export function formatFingerprint(thumbprint: Thumbprint): string {
  const bytes = decodeBase64Url(thumbprint)
  if (bytes.byteLength !== thumbprintByteLength) throw new TypeError('thumbprint must be 32 bytes as base64url')
  return Array.from({ length: 6 }, (_, group) => {
    const number = bytes.subarray(group * 5, group * 5 + 5).reduce((sum, byte) => sum * 256 + byte, 0)
    return String(number % 100_000).padStart(5, '0')
  }).join(' ')
}

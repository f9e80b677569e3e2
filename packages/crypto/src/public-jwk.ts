import { decodeBase64Url } from './base64url.ts'
import { assertByteLength } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { hasExactly } from './members.ts'
import { isOnCurve } from './p256.ts'

/** A P-256 public key as a JSON Web Key with these four members and no others; coordinates are 32 bytes. */
export interface PublicJwk {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
}

const coordinateByteLength = 32

/**
 * Exports the public half of a device key pair.
 *
 * @throws {CryptoError} `key_unusable`: a private key, or not a P-256 key.
 *
 * @example
 * ```ts
 * const { signing } = await generateDeviceKeys()
 * const jwk = await exportPublicJwk(signing.publicKey) // { kty: 'EC', crv: 'P-256', x, y }
 * ```
 * @see RFC 7518 §6.2.1
 */
export async function exportPublicJwk(key: CryptoKey): Promise<PublicJwk> {
  if (key?.type !== 'public') throw new CryptoError('key_unusable')
  const jwk = await crypto.subtle.exportKey('jwk', key).catch((cause: unknown) => {
    throw new CryptoError('key_unusable', { cause })
  })
  return assertPublicJwk({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y })
}

/**
 * Imports the public key others seal to. Points that are not on the curve are refused.
 *
 * @throws {CryptoError} `key_unusable`: another type or curve, a member too many (a private one above all), or not a point of P-256.
 * @see RFC 7518 §6.2.1
 */
export async function importEncryptionKey(jwk: PublicJwk): Promise<CryptoKey> {
  return importPublicKey(jwk, { name: 'ECDH', namedCurve: 'P-256' }, [])
}

/**
 * Imports the public key that verifies signatures of a device. Points that are not on the curve are refused.
 *
 * @throws {CryptoError} `key_unusable`: another type or curve, a member too many (a private one above all), or not a point of P-256.
 * @see RFC 7518 §6.2.1
 */
export async function importSigningKey(jwk: PublicJwk): Promise<CryptoKey> {
  return importPublicKey(jwk, { name: 'ECDSA', namedCurve: 'P-256' }, ['verify'])
}

export function assertPublicJwk(jwk: unknown): PublicJwk {
  if (!hasExactly(jwk, ['kty', 'crv', 'x', 'y']) || jwk.kty !== 'EC' || jwk.crv !== 'P-256') {
    throw new CryptoError('key_unusable')
  }
  const { x, y } = jwk as Record<'x' | 'y', string>
  if (!isOnCurve(decodeCoordinate(x), decodeCoordinate(y))) throw new CryptoError('key_unusable')
  return { kty: 'EC', crv: 'P-256', x, y }
}

function decodeCoordinate(text: string): Uint8Array {
  try {
    const bytes = decodeBase64Url(text)
    assertByteLength(bytes, coordinateByteLength, 'coordinate')
    return bytes
  } catch (cause) {
    throw new CryptoError('key_unusable', { cause })
  }
}

async function importPublicKey(jwk: PublicJwk, algorithm: EcKeyImportParams, usages: KeyUsage[]): Promise<CryptoKey> {
  const { kty, crv, x, y } = assertPublicJwk(jwk)
  try {
    return await crypto.subtle.importKey('jwk', { kty, crv, x, y }, algorithm, true, usages)
  } catch (cause) {
    throw new CryptoError('key_unusable', { cause })
  }
}

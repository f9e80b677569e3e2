import type { DeviceKeys } from '../device-keys.ts'

export interface PrivateJwk {
  readonly kty: string
  readonly crv: string
  readonly x: string
  readonly y: string
  readonly d: string
}

/** Fixed keys for pinned vectors. Published with them, so worth nothing. */
export async function importEncryptionPair(jwk: PrivateJwk): Promise<CryptoKeyPair> {
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' }
  const { d: _, ...publicJwk } = jwk
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', { ...jwk }, algorithm, false, ['deriveBits']),
    crypto.subtle.importKey('jwk', publicJwk, algorithm, true, []),
  ])
  return { privateKey, publicKey }
}

export async function importSigningPair(jwk: PrivateJwk): Promise<CryptoKeyPair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const { d: _, ...publicJwk } = jwk
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', { ...jwk }, algorithm, false, ['sign']),
    crypto.subtle.importKey('jwk', publicJwk, algorithm, true, ['verify']),
  ])
  return { privateKey, publicKey }
}

export async function importDevice(jwks: { encryption: PrivateJwk; signing: PrivateJwk }): Promise<DeviceKeys> {
  return { encryption: await importEncryptionPair(jwks.encryption), signing: await importSigningPair(jwks.signing) }
}

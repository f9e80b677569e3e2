import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { assertBytes, type Bytes, equalBytes, sha256 } from './bytes.ts'
import { CryptoError } from './errors.ts'
import { encodeJson } from './json.ts'
import type { Thumbprint } from './thumbprint.ts'

/** A private key as PKCS#8 (RFC 5958), unencrypted: secret bytes, to be overwritten when they are wrapped. */
export type PrivateKeyBytes = Bytes & { readonly __brand: 'PrivateKeyBytes' }

/** A public key as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), 550 bytes. */
export type PublicKeyBytes = Bytes & { readonly __brand: 'PublicKeyBytes' }

/** The key others wrap to. */
export interface ManagedPublicKey {
  readonly thumbprint: Thumbprint
  readonly publicKey: PublicKeyBytes
  readonly key: CryptoKey
}

/** Both halves. The private one cannot be exported. */
export interface ManagedKey extends ManagedPublicKey {
  readonly privateKey: CryptoKey
}

const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' } as const
const modulusLength = 4096
const publicKeyByteLength = 550
/**
 * What stands around the modulus of every RSA-4096 key with exponent 65537 in DER. Comparing it is the whole parser, and takes
 * a tenth of the time of exporting what was imported.
 */
const publicKeyPrefix = decodeBase64Url('MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEA')
const publicKeySuffix = decodeBase64Url('AgMBAAE')
const maximumPrivateKeyByteLength = 2400

/**
 * Makes the private key of a user or a company: RSA-4096 with public exponent 65537. Takes about a second of one core;
 * in a page, call it in a Worker.
 *
 * @example
 * ```ts
 * const bytes = await generatePrivateKey()
 * const { publicKey, thumbprint } = await importPrivateKey(bytes)
 * ```
 */
export async function generatePrivateKey(): Promise<PrivateKeyBytes> {
  const parameters = { ...algorithm, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) }
  const { privateKey } = await crypto.subtle.generateKey(parameters, true, ['encrypt', 'decrypt'])
  return new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey)) as PrivateKeyBytes
}

/**
 * Reads a private key and derives its public half. Its parts are checked against each other by wrapping and unwrapping
 * a random key, which takes one private operation.
 *
 * @param bytes - PKCS#8 in DER, without encryption and without attributes. Copied, not kept.
 * @throws {CryptoError} `key_unusable`: not PKCS#8, not RSA, not 4096 bits, another exponent than 65537, or parts that
 *   do not fit together.
 * @throws {TypeError} `bytes` is not a `Uint8Array`.
 *
 * @see RFC 5958 §2, RFC 8017 §3.2
 */
export async function importPrivateKey(bytes: Uint8Array): Promise<ManagedKey> {
  assertBytes(bytes, 'bytes')
  if (bytes.byteLength > maximumPrivateKeyByteLength) throw new CryptoError('key_unusable')
  try {
    const extractable = await crypto.subtle.importKey('pkcs8', bytes, algorithm, true, ['decrypt'])
    const exported = new Uint8Array(await crypto.subtle.exportKey('pkcs8', extractable))
    const canonical = equalBytes(exported, bytes)
    exported.fill(0)
    if (!canonical) throw new CryptoError('key_unusable')
    const jwk = await crypto.subtle.exportKey('jwk', extractable)
    if (!fitsTogether(jwk)) throw new CryptoError('key_unusable')
    const { n = '', e = '' } = jwk
    const [privateKey, publicHalf] = await Promise.all([openPrivateKey(bytes), importPublicJwk(n, e)])
    const probe = crypto.getRandomValues(new Uint8Array(32))
    const wrapped = await crypto.subtle.encrypt(algorithm, publicHalf.key, probe)
    const opened = new Uint8Array(await crypto.subtle.decrypt(algorithm, privateKey, wrapped))
    if (!equalBytes(probe, opened)) throw new CryptoError('key_unusable')
    return { ...publicHalf, privateKey }
  } catch (cause) {
    if (cause instanceof CryptoError) throw cause
    throw new CryptoError('key_unusable', { cause })
  }
}

/**
 * Imports a private key that {@link importPrivateKey} has accepted before, without checking it again.
 *
 * @returns A key that can unwrap and cannot be exported.
 * @throws {CryptoError} `key_unusable`: not an RSA key as PKCS#8.
 */
export async function openPrivateKey(bytes: Uint8Array): Promise<CryptoKey> {
  assertBytes(bytes, 'bytes')
  try {
    return await crypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['decrypt'])
  } catch (cause) {
    throw new CryptoError('key_unusable', { cause })
  }
}

/**
 * Imports the public key of a user or a company, to wrap to it.
 *
 * @param bytes - SubjectPublicKeyInfo in DER, 550 bytes.
 * @throws {CryptoError} `key_unusable`: anything but RSA-4096 with exponent 65537.
 * @throws {TypeError} `bytes` is not a `Uint8Array`.
 */
export async function importPublicKey(bytes: Uint8Array): Promise<ManagedPublicKey> {
  assertBytes(bytes, 'bytes')
  const publicKey = bytes.slice() as PublicKeyBytes
  const modulus = publicKey.subarray(publicKeyPrefix.byteLength, publicKeyByteLength - publicKeySuffix.byteLength)
  const fits =
    publicKey.byteLength === publicKeyByteLength &&
    equalBytes(publicKey.subarray(0, publicKeyPrefix.byteLength), publicKeyPrefix) &&
    equalBytes(publicKey.subarray(-publicKeySuffix.byteLength), publicKeySuffix) &&
    (modulus[0] as number) >= 0x80
  if (!fits) throw new CryptoError('key_unusable')
  try {
    const [key, thumbprint] = await Promise.all([
      crypto.subtle.importKey('spki', publicKey, algorithm, true, ['encrypt']),
      thumbprintOf(encodeBase64Url(modulus)),
    ])
    return { key, publicKey, thumbprint }
  } catch (cause) {
    throw new CryptoError('key_unusable', { cause })
  }
}

async function thumbprintOf(n: string): Promise<Thumbprint> {
  return encodeBase64Url(await sha256(encodeJson({ e: 'AQAB', kty: 'RSA', n }))) as Thumbprint
}

async function importPublicJwk(n: string, e: string): Promise<ManagedPublicKey> {
  const key = await crypto.subtle.importKey('jwk', { kty: 'RSA', n, e }, algorithm, true, ['encrypt'])
  if ((key.algorithm as RsaHashedKeyAlgorithm).modulusLength !== modulusLength || e !== 'AQAB') {
    throw new CryptoError('key_unusable')
  }
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('spki', key)) as PublicKeyBytes
  return { key, publicKey, thumbprint: await thumbprintOf(n) }
}

/**
 * Whether the exponents belong to the primes: runtimes get by with some of them and never look at the others.
 *
 * @see RFC 8017 §3.2
 */
function fitsTogether(jwk: JsonWebKey): boolean {
  const [p, q] = [toInteger(jwk.p), toInteger(jwk.q)]
  const [d, dp, dq, qi] = [toInteger(jwk.d), toInteger(jwk.dp), toInteger(jwk.dq), toInteger(jwk.qi)]
  const exponent = 65537n
  return (
    p * q === toInteger(jwk.n) &&
    (exponent * d) % (p - 1n) === 1n &&
    (exponent * d) % (q - 1n) === 1n &&
    dp === d % (p - 1n) &&
    dq === d % (q - 1n) &&
    qi < p &&
    (qi * q) % p === 1n
  )
}

const toInteger = (text = ''): bigint =>
  BigInt(`0x${Array.from(decodeBase64Url(text), (byte) => byte.toString(16).padStart(2, '0')).join('')}`)

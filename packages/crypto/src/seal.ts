import { decodeBase64Url } from './base64url.ts'
import { assertBytes, type Bytes } from './bytes.ts'
import { type Context, encodeContext } from './context.ts'
import { CryptoError } from './errors.ts'
import { sealInfo, sealWithEphemeral, suite } from './hazmat/seal.ts'
import { encodeHeader, encodeKeyId, headerByteLength, type KeyId, parseHeader } from './header.ts'
import { assertKeyPair } from './key-pair.ts'
import { exportPublicJwk, importEncryptionKey, type PublicJwk } from './public-jwk.ts'
import { calculateThumbprint, type Thumbprint } from './thumbprint.ts'

const encapsulatedByteLength = 65
const overheadByteLength = headerByteLength + encapsulatedByteLength + 16

/**
 * Encrypts to a public key so that only its holder can open, for one place in the database.
 *
 * HPKE in base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. It does not say who sealed; where that
 * matters, sign (see {@link sealAssignment}).
 *
 * @param plaintext - Any length; usually a content key of 32 bytes.
 * @returns `plaintext.byteLength + 101` bytes: header (20), encapsulated key (65), ciphertext, tag (16).
 * @throws {CryptoError} `key_unusable`: `recipient` is not a P-256 public key.
 * @throws {TypeError | RangeError} Another argument is not what its type says.
 *
 * @example
 * ```ts
 * const { encryption } = await generateDeviceKeys()
 * const context = { purpose: 'greeting', table: 'note', column: 'body', row: '17', owner: 'dev_1' }
 * const sealed = await seal(new TextEncoder().encode('hei'), await exportPublicJwk(encryption.publicKey), context)
 * const plaintext = await open(sealed, encryption, context)
 * ```
 * @see docs/spec/seal.md, RFC 9180 §6.1
 */
export async function seal(plaintext: Uint8Array, recipient: PublicJwk, context: Context): Promise<Bytes> {
  assertBytes(plaintext, 'plaintext')
  encodeContext(context)
  const publicKey = await importEncryptionKey(recipient)
  const header = encodeHeader('sealed', await publicKeyId(recipient))
  return sealWithEphemeral(plaintext, publicKey, header, context)
}

/**
 * Opens what {@link seal} made, with the recipient's key pair and the same context.
 *
 * @param recipient - Both halves; the private one need not be extractable.
 * @throws {CryptoError} `open_failed`: sealed to another key, for another context, or altered.
 * @throws {CryptoError} `key_unusable`: `recipient` is not a P-256 key pair for ECDH.
 * @throws {TypeError | RangeError} Another argument is not what its type says.
 *
 * @see docs/spec/seal.md, RFC 9180 §6.1
 */
export async function open(sealed: Uint8Array, recipient: CryptoKeyPair, context: Context): Promise<Bytes> {
  assertBytes(sealed, 'sealed')
  const info = sealInfo(context)
  assertKeyPair(recipient, 'ECDH', 'deriveBits')
  const header = parseHeader(sealed)
  if (header?.algorithm !== 'sealed' || sealed.byteLength < overheadByteLength) throw new CryptoError('open_failed')
  if (header.keyId !== (await keyIdOf(recipient.publicKey))) throw new CryptoError('open_failed')
  const enc = sealed.subarray(headerByteLength, headerByteLength + encapsulatedByteLength)
  const ciphertext = sealed.subarray(headerByteLength + encapsulatedByteLength)
  const aad = sealed.subarray(0, headerByteLength)
  try {
    return new Uint8Array(await suite.open({ recipientKey: recipient, enc, info }, ciphertext, aad))
  } catch (cause) {
    throw new CryptoError('open_failed', { cause })
  }
}

/** A device opens many times with one key. Public values only. */
const keyIds = new WeakMap<CryptoKey, KeyId>()

async function keyIdOf(publicKey: CryptoKey): Promise<KeyId> {
  const known = keyIds.get(publicKey)
  if (known) return known
  const keyId = encodeKeyId(await publicKeyId(await exportPublicJwk(publicKey)))
  keyIds.set(publicKey, keyId)
  return keyId
}

/** The key id of a public key: the first 16 bytes of its thumbprint. */
export async function publicKeyId(jwk: PublicJwk): Promise<Bytes> {
  return idBytes(await calculateThumbprint(jwk))
}

export function keyIdOfThumbprint(thumbprint: Thumbprint): KeyId {
  return encodeKeyId(idBytes(thumbprint))
}

function idBytes(thumbprint: Thumbprint): Bytes {
  return decodeBase64Url(thumbprint).subarray(0, 16)
}

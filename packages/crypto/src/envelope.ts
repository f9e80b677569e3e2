import { decodeBase64Url } from './base64url.ts'
import { assertBytes, type Bytes } from './bytes.ts'
import { assertContentKey, calculateKeyId } from './content-key.ts'
import { type Context, encodeContext } from './context.ts'
import { CryptoError } from './errors.ts'
import { encryptEnvelopeWithNonce, envelopeParameters } from './hazmat/envelope.ts'
import { encodeHeader, encodeKeyId, headerByteLength, type KeyId, parseHeader } from './header.ts'

/** An AES-256-GCM key that cannot be exported, with the id that every envelope under it carries. */
export interface EnvelopeKey {
  readonly id: KeyId
  readonly key: CryptoKey
}

const nonceByteLength = 12
const overheadByteLength = headerByteLength + nonceByteLength + 16

/**
 * Prepares 32 secret bytes for {@link encryptEnvelope} and {@link decryptEnvelope}.
 *
 * @param bytes - Exactly 32 bytes. Copied, not kept: the caller may overwrite them afterwards.
 * @throws {TypeError | RangeError} `bytes` is not a `Uint8Array` of 32 bytes.
 *
 * @example
 * ```ts
 * const key = await importEnvelopeKey(generateContentKey())
 * ```
 */
export async function importEnvelopeKey(bytes: Uint8Array): Promise<EnvelopeKey> {
  assertContentKey(bytes, 'bytes')
  const [id, key] = await Promise.all([
    calculateKeyId(bytes),
    crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']),
  ])
  return { id: encodeKeyId(id), key }
}

/**
 * Encrypts and authenticates a value for one place in the database.
 *
 * AES-256-GCM under a random 96-bit nonce: refuse a key before it has encrypted 2^32 envelopes. The length of the
 * plaintext is visible.
 *
 * @param plaintext - Any length; for files use {@link encryptStream}.
 * @param context - The place it belongs to. The same context is needed to decrypt.
 * @returns `plaintext.byteLength + 48` bytes: header (20), nonce (12), ciphertext, tag (16).
 * @throws {TypeError | RangeError} An argument is not what its type says.
 *
 * @example
 * ```ts
 * const key = await importEnvelopeKey(generateContentKey())
 * const context = { purpose: 'note', table: 'note', column: 'body', row: '17', owner: 'usr_1' }
 * const envelope = await encryptEnvelope(new TextEncoder().encode('hei'), key, context)
 * const plaintext = await decryptEnvelope(envelope, key, context)
 * ```
 * @see docs/spec/envelope.md, NIST SP 800-38D §8.2.2
 */
export async function encryptEnvelope(plaintext: Uint8Array, key: EnvelopeKey, context: Context): Promise<Bytes> {
  assertBytes(plaintext, 'plaintext')
  const nonce = crypto.getRandomValues(new Uint8Array(nonceByteLength))
  return encryptEnvelopeWithNonce(plaintext, key.key, encodeHeader('envelope', decodeBase64Url(key.id)), nonce, context)
}

/**
 * Opens what {@link encryptEnvelope} made, with the same key and the same context.
 *
 * @throws {CryptoError} `open_failed`: another key, another context, or bytes that are not as they were made.
 * @throws {TypeError | RangeError} An argument is not what its type says.
 *
 * @see docs/spec/envelope.md
 */
export async function decryptEnvelope(envelope: Uint8Array, key: EnvelopeKey, context: Context): Promise<Bytes> {
  assertBytes(envelope, 'envelope')
  encodeContext(context)
  const header = parseHeader(envelope)
  const fits = header?.algorithm === 'envelope' && header.keyId === key.id && envelope.byteLength >= overheadByteLength
  if (!fits) throw new CryptoError('open_failed')
  const nonce = envelope.subarray(headerByteLength, headerByteLength + nonceByteLength)
  const parameters = envelopeParameters(envelope.subarray(0, headerByteLength), nonce, context)
  try {
    const ciphertext = envelope.subarray(headerByteLength + nonceByteLength)
    return new Uint8Array(await crypto.subtle.decrypt(parameters, key.key, ciphertext))
  } catch (cause) {
    throw new CryptoError('open_failed', { cause })
  }
}

import { decodeBase64, encodeBase64 } from './base64.ts'
import { type Bytes, concatBytes } from './bytes.ts'
import type { Context } from './context.ts'
import { CryptoError } from './errors.ts'
import { headerByteLength, type KeyId, parseHeader } from './header.ts'
import { hasExactly } from './members.ts'

/** An envelope as two texts, the way EKM-05 software stores and sends it. Base64 with padding. */
export interface EncryptedPrivateKey {
  /** Header, ciphertext and tag. */
  readonly data: string
  /** The nonce, 12 bytes. */
  readonly iv: string
}

const nonceByteLength = 12
const maximumTextLength = 8192

/** Whose managed key: also the name of the table it is stored in, before `_key`. */
export type KeyOwner = 'user' | 'company'

/**
 * The place of a private key: it opens for this key of this owner only.
 *
 * @param keyId - Primary key of the row, a UUID.
 * @param ownerId - The user or company, a UUID.
 */
export function privateKeyContext(owner: KeyOwner, keyId: string, ownerId: string): Context {
  return {
    purpose: `${owner}-private-key`,
    table: `${owner}_key`,
    column: 'encrypted_private_key',
    row: keyId,
    owner: ownerId,
  }
}

/**
 * Writes an envelope as the text of the columns `encrypted_private_key`: JSON with `data`, `iv`, and copies of the
 * format version `v` and the id `kid` of the master key.
 *
 * @throws {CryptoError} `open_failed`: `envelope` is not an envelope.
 *
 * @see docs/spec/managed-key.md
 */
export function formatEncryptedPrivateKey(envelope: Uint8Array): string {
  const { data, iv } = splitEnvelope(envelope)
  const header = parseHeader(envelope)
  if (header?.algorithm !== 'envelope') throw new CryptoError('open_failed')
  return JSON.stringify({ data, iv, v: header.version, kid: header.keyId })
}

/**
 * Reads the text of a column `encrypted_private_key`.
 *
 * @throws {CryptoError} `open_failed`: not JSON with exactly these members, or copies that differ from what `data` says.
 */
export function parseEncryptedPrivateKey(text: string): EncryptedPrivateKey & { readonly kid: KeyId } {
  const value = parse(text)
  if (!hasExactly(value, ['data', 'iv', 'v', 'kid'])) throw new CryptoError('open_failed')
  const { data, iv, v, kid } = value as Record<'data' | 'iv' | 'v' | 'kid', unknown>
  const header = parseHeader(joinEnvelope({ data, iv } as EncryptedPrivateKey))
  if (header?.version !== v || header?.keyId !== kid) throw new CryptoError('open_failed')
  return { data: data as string, iv: iv as string, kid: kid as KeyId }
}

/** Takes an envelope apart. The inverse of {@link joinEnvelope}. */
export function splitEnvelope(envelope: Uint8Array): EncryptedPrivateKey {
  const body = envelope.subarray(headerByteLength + nonceByteLength)
  return {
    data: encodeBase64(concatBytes(envelope.subarray(0, headerByteLength), body)),
    iv: encodeBase64(envelope.slice(headerByteLength, headerByteLength + nonceByteLength)),
  }
}

/**
 * Puts the two texts together again.
 *
 * @throws {CryptoError} `open_failed`: not canonical base64, no header of an envelope, or another length than can be.
 */
export function joinEnvelope({ data, iv }: EncryptedPrivateKey): Bytes {
  const [body, nonce] = [decode(data), decode(iv)]
  if (nonce.byteLength !== nonceByteLength || parseHeader(body)?.algorithm !== 'envelope') {
    throw new CryptoError('open_failed')
  }
  return concatBytes(body.subarray(0, headerByteLength), nonce, body.subarray(headerByteLength))
}

function parse(text: string): unknown {
  if (typeof text !== 'string' || text.length > maximumTextLength) throw new CryptoError('open_failed')
  try {
    return JSON.parse(text)
  } catch {
    throw new CryptoError('open_failed')
  }
}

function decode(text: string): Bytes {
  if (typeof text !== 'string' || text.length > maximumTextLength) throw new CryptoError('open_failed')
  try {
    return decodeBase64(text)
  } catch {
    throw new CryptoError('open_failed')
  }
}

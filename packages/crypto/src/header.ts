import { encodeBase64Url } from './base64url.ts'
import { assertBytes, type Bytes, equalBytes } from './bytes.ts'

/** Names a key without revealing it: 16 bytes as 22 characters of base64url. */
export type KeyId = string & { readonly __brand: 'KeyId' }

/** `envelope` 1, `sealed` 2, `stream` 3. The numbers from 0x10 are reserved for X-Wing (ML-KEM-768 with X25519). */
const algorithms = { envelope: 0x01, sealed: 0x02, stream: 0x03 } as const
export type Algorithm = keyof typeof algorithms

/** What the first 20 bytes of a ciphertext say. Authenticated only once the ciphertext has opened. */
export interface Header {
  readonly version: 1
  readonly algorithm: Algorithm
  readonly keyId: KeyId
}

export const headerByteLength = 20
const prefix = new Uint8Array([0x4e, 0x4b, 0x01])

/**
 * Reads the header of a ciphertext, to find out which key it wants.
 *
 * @param bytes - A ciphertext, or at least its first 20 bytes.
 * @returns `null` when these are not the first bytes of a ciphertext this version can open.
 * @throws {TypeError} `bytes` is not a `Uint8Array`.
 *
 * @example
 * ```ts
 * const key = await importEnvelopeKey(generateContentKey())
 * const context = { purpose: 'note', table: 'note', column: 'body', row: '17', owner: 'usr_1' }
 * const envelope = await encryptEnvelope(new Uint8Array([1]), key, context)
 * parseHeader(envelope)?.keyId === key.id // true
 * ```
 */
export function parseHeader(bytes: Uint8Array): Header | null {
  assertBytes(bytes, 'bytes')
  if (bytes.byteLength < headerByteLength || !equalBytes(bytes.subarray(0, 3), prefix)) return null
  for (const [algorithm, number] of Object.entries(algorithms) as [Algorithm, number][]) {
    if (bytes[3] === number) return { version: 1, algorithm, keyId: encodeKeyId(bytes.subarray(4, headerByteLength)) }
  }
  return null
}

export function encodeHeader(algorithm: Algorithm, keyId: Bytes): Bytes {
  const header = new Uint8Array(headerByteLength)
  header.set(prefix)
  header[3] = algorithms[algorithm]
  header.set(keyId, 4)
  return header
}

export function encodeKeyId(bytes: Uint8Array): KeyId {
  return encodeBase64Url(bytes) as KeyId
}

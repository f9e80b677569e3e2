import type { Bytes } from '../bytes.ts'
import { type Context, encodeContext } from '../context.ts'
import { encodePae } from '../pae.ts'

const nonceByteLength = 12

/** The key of one stream: HKDF-SHA-256 over the file key, so that each salt has its own nonces. */
export async function derivePayloadKey(
  fileKey: Bytes,
  salt: Bytes,
  header: Bytes,
  context: Context,
): Promise<CryptoKey> {
  const ikm = await crypto.subtle.importKey('raw', fileKey, 'HKDF', false, ['deriveKey'])
  const info = encodePae('nokkel/stream/v1', header, encodeContext(context))
  const usages: KeyUsage[] = ['encrypt', 'decrypt']
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info }
  return crypto.subtle.deriveKey(parameters, ikm, { name: 'AES-GCM', length: 256 }, false, usages)
}

export function chunkParameters(index: number, last: boolean): AesGcmParams {
  const nonce = new Uint8Array(nonceByteLength)
  new DataView(nonce.buffer).setBigUint64(3, BigInt(index))
  nonce[nonceByteLength - 1] = last ? 1 : 0
  return { name: 'AES-GCM', iv: nonce, tagLength: 128 }
}

/** One sealed chunk. The same index twice under one payload key gives up both chunks. */
export async function encryptChunk(key: CryptoKey, plaintext: Bytes, index: number, last: boolean): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.encrypt(chunkParameters(index, last), key, plaintext))
}

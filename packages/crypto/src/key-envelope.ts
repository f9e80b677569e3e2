import type { Bytes } from './bytes.ts'
import type { Context } from './context.ts'
import { decryptEnvelope, encryptEnvelope, importEnvelopeKey } from './envelope.ts'
import { CryptoError } from './errors.ts'

const keyByteLength = 32

/** A value under 32 raw bytes of key. */
export async function encryptUnder(key: Bytes, plaintext: Uint8Array, context: Context): Promise<Bytes> {
  return encryptEnvelope(plaintext, await importEnvelopeKey(key), context)
}

export async function decryptUnder(key: Bytes, envelope: Uint8Array, context: Context): Promise<Bytes> {
  return decryptEnvelope(envelope, await importEnvelopeKey(key), context)
}

/** The key of 32 bytes in an envelope of 80. The caller overwrites it when it is used. */
export async function decryptKeyUnder(key: Bytes, envelope: Uint8Array, context: Context): Promise<Bytes> {
  const opened = await decryptUnder(key, envelope, context)
  if (opened.byteLength !== keyByteLength) {
    opened.fill(0)
    throw new CryptoError('open_failed')
  }
  return opened
}

import { type Bytes, concatBytes } from '../bytes.ts'
import { type Context, encodeContext } from '../context.ts'
import { encodePae } from '../pae.ts'

/** Encrypts under a given nonce. A nonce used twice under one key gives up both plaintexts and the authentication. */
export async function encryptEnvelopeWithNonce(
  plaintext: Bytes,
  key: CryptoKey,
  header: Bytes,
  nonce: Bytes,
  context: Context,
): Promise<Bytes> {
  const ciphertext = await crypto.subtle.encrypt(envelopeParameters(header, nonce, context), key, plaintext)
  return concatBytes(header, nonce, new Uint8Array(ciphertext))
}

export function envelopeParameters(header: Bytes, nonce: Bytes, context: Context): AesGcmParams {
  return { name: 'AES-GCM', iv: nonce, additionalData: encodePae(header, encodeContext(context)), tagLength: 128 }
}

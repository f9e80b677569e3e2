import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import { type Bytes, concatBytes } from '../bytes.ts'
import { type Context, encodeContext } from '../context.ts'
import { encodePae } from '../pae.ts'

export const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
})

/** Seals with a given ephemeral key pair, or a fresh one. A pair used twice for one recipient repeats key and nonce. */
export async function sealWithEphemeral(
  plaintext: Bytes,
  recipientPublicKey: CryptoKey,
  header: Bytes,
  context: Context,
  ephemeral?: CryptoKeyPair,
): Promise<Bytes> {
  const parameters = { recipientPublicKey, info: sealInfo(context), ...(ephemeral && { ekm: ephemeral }) }
  const { enc, ct } = await suite.seal(parameters, plaintext, header)
  return concatBytes(header, new Uint8Array(enc), new Uint8Array(ct))
}

export function sealInfo(context: Context): Bytes {
  return encodePae('nokkel/seal/v1', encodeContext(context))
}

/**
 * DeriveKeyPair of DHKEM(P-256, HKDF-SHA256): the same input always gives the same pair.
 *
 * @returns The private half cannot be exported and may derive bits alone, as that of a device.
 * @see RFC 9180 §7.1.3
 */
export async function deriveKeyPair(ikm: Bytes): Promise<CryptoKeyPair> {
  const { privateKey, publicKey } = await suite.kem.deriveKeyPair(ikm)
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey))
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' }
  try {
    return { privateKey: await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['deriveBits']), publicKey }
  } finally {
    pkcs8.fill(0)
  }
}

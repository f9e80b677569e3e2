import { type Bytes, concatBytes } from '../bytes.ts'
import { fromText } from './bytes.ts'

/**
 * RFC 9180 open in base mode for DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and AES-GCM, written out from the text of the
 * standard: a second implementation to hold the first against.
 */
export async function openWrittenOut(
  enc: Bytes,
  ciphertext: Bytes,
  recipient: CryptoKeyPair,
  info: Bytes,
  aad: Bytes,
  aead: { readonly id: number; readonly keyByteLength: number } = { id: 2, keyByteLength: 32 },
): Promise<Bytes> {
  const ecdh = { name: 'ECDH', namedCurve: 'P-256' }
  const ephemeral = await crypto.subtle.importKey('raw', enc, ecdh, true, [])
  const dh = new Uint8Array(
    await crypto.subtle.deriveBits({ name: 'ECDH', public: ephemeral }, recipient.privateKey, 256),
  )
  const recipientBytes = new Uint8Array(await crypto.subtle.exportKey('raw', recipient.publicKey))
  const kem = concatBytes(fromText('KEM'), twoBytes(0x10))
  const sharedSecret = await labeledExpand(
    kem,
    await labeledExtract(kem, new Uint8Array(), 'eae_prk', dh),
    'shared_secret',
    concatBytes(enc, recipientBytes),
    32,
  )
  const suite = concatBytes(fromText('HPKE'), twoBytes(0x10), twoBytes(1), twoBytes(aead.id))
  const scheduleContext = concatBytes(
    new Uint8Array([0]),
    await labeledExtract(suite, new Uint8Array(), 'psk_id_hash', new Uint8Array()),
    await labeledExtract(suite, new Uint8Array(), 'info_hash', info),
  )
  const secret = await labeledExtract(suite, sharedSecret, 'secret', new Uint8Array())
  const keyBytes = await labeledExpand(suite, secret, 'key', scheduleContext, aead.keyByteLength)
  const nonce = await labeledExpand(suite, secret, 'base_nonce', scheduleContext, 12)
  const key = await crypto.subtle.importKey('raw', keyBytes, 'AES-GCM', false, ['decrypt'])
  const parameters = { name: 'AES-GCM', iv: nonce, additionalData: aad }
  return new Uint8Array(await crypto.subtle.decrypt(parameters, key, ciphertext))
}

async function labeledExtract(suite: Bytes, salt: Bytes, label: string, ikm: Bytes): Promise<Bytes> {
  const labeled = concatBytes(fromText('HPKE-v1'), suite, fromText(label), ikm)
  return hmac(salt.byteLength === 0 ? new Uint8Array(32) : salt, labeled)
}

async function labeledExpand(suite: Bytes, prk: Bytes, label: string, info: Bytes, byteLength: number): Promise<Bytes> {
  const labeled = concatBytes(twoBytes(byteLength), fromText('HPKE-v1'), suite, fromText(label), info)
  return (await hmac(prk, concatBytes(labeled, new Uint8Array([1])))).slice(0, byteLength)
}

async function hmac(key: Bytes, data: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, data))
}

function twoBytes(value: number): Bytes {
  return new Uint8Array([value >> 8, value & 255])
}

import type { Bytes } from '../bytes.ts'

const parameters: EcdsaParams = { name: 'ECDSA', hash: 'SHA-256' }

/** ECDSA over P-256 with SHA-256; the signature is r ‖ s, 64 bytes (RFC 7518 §3.4). */
export async function signEs256(key: CryptoKey, data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign(parameters, key, data))
}

export async function verifyEs256(key: CryptoKey, signature: Bytes, data: Bytes): Promise<boolean> {
  return signature.byteLength === 64 && crypto.subtle.verify(parameters, key, signature, data)
}

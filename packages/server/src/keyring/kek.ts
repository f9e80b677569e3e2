import { importEnvelopeKey } from '@nokkel/crypto'
import type { KeyringKek } from './wrapped-keyring.ts'

/** @param bytes - 32 secret bytes. Copied, not kept. */
export async function importKek(bytes: Uint8Array): Promise<KeyringKek> {
  const { id, key } = await importEnvelopeKey(bytes)
  const parameters = (nonce: Uint8Array, additionalData: Uint8Array) =>
    ({ name: 'AES-GCM', iv: nonce, additionalData, tagLength: 128 }) as AesGcmParams
  return {
    id,
    async encrypt(plaintext, additionalData) {
      const nonce = crypto.getRandomValues(new Uint8Array(12))
      const given = parameters(nonce, additionalData)
      const ciphertext = await crypto.subtle.encrypt(given, key, plaintext as Uint8Array<ArrayBuffer>)
      return { nonce, ciphertext: new Uint8Array(ciphertext) }
    },
    async decrypt({ nonce, ciphertext }, additionalData) {
      const given = parameters(nonce, additionalData)
      return new Uint8Array(await crypto.subtle.decrypt(given, key, ciphertext as Uint8Array<ArrayBuffer>))
    },
  }
}

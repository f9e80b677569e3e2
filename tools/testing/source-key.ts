// Written from the description of the other system alone, and importing nothing of ours.
import { createCipheriv, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'

/** The columns of an owner as the other system writes them. */
export interface SourceColumns {
  readonly publicKey: string
  readonly encryptedPrivateKey: string
}

/** AES-256-GCM with a random IV of 12 bytes over the text of the private key, ciphertext followed by its tag. */
export function encryptLikeSource(text: string, masterKeyHex: string): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(masterKeyHex, 'hex'), iv)
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return JSON.stringify({ data: data.toString('base64'), iv: iv.toString('base64') })
}

/** @param privateKey - PKCS#8 DER in base64. */
export function sourceColumns(privateKey: string, masterKeyHex: string, form: 'base64' | 'pem'): SourceColumns {
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' })
  if (form === 'pem') {
    return {
      publicKey: String(createPublicKey(key).export({ format: 'pem', type: 'spki' })),
      encryptedPrivateKey: encryptLikeSource(String(key.export({ format: 'pem', type: 'pkcs8' })), masterKeyHex),
    }
  }
  return {
    publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64'),
    encryptedPrivateKey: encryptLikeSource(privateKey, masterKeyHex),
  }
}

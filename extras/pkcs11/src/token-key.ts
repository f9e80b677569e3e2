import { randomBytes } from 'node:crypto'
import { encodeBase64Url, type KeyId } from '@nokkel/crypto'
import type { KeyringKek } from '@nokkel/server'
import pkcs11js from 'pkcs11js'
import { type Token, toTokenError } from './token.ts'
import { TokenError } from './token-error.ts'

const keyIdByteLength = 16
const nonceByteLength = 12
const tagByteLength = 16

/**
 * Makes an AES-256 key in the token that cannot leave it, with a random id.
 *
 * @throws {TokenError} The token has a key of that label already, or refuses.
 */
export function createKey(token: Token, label: string): KeyId {
  if (findKeys(token, label).length > 0) {
    throw new TokenError(
      `The token ${JSON.stringify(token.label)} has a key labelled ${JSON.stringify(label)} already.`,
    )
  }
  const id = randomBytes(keyIdByteLength)
  try {
    token.library.C_GenerateKey(token.session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
      ...naming(label),
      { type: pkcs11js.CKA_ID, value: id },
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: false },
      { type: pkcs11js.CKA_ENCRYPT, value: true },
      { type: pkcs11js.CKA_DECRYPT, value: true },
      { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
    ])
  } catch (cause) {
    throw toTokenError(cause, token.label)
  }
  return encodeBase64Url(id) as KeyId
}

/**
 * Finds the key of a label, to wrap a keyring with: AES-256-GCM with additional data, computed in the token.
 *
 * @throws {TokenError} There is no such key, several, or one that may leave the token.
 */
export function findKey(token: Token, label: string): KeyringKek {
  const [key, another] = findKeys(token, label)
  const where = `The token ${JSON.stringify(token.label)} has`
  if (!key)
    throw new TokenError(`${where} no key labelled ${JSON.stringify(label)}; make it with nokkel-pkcs11 create-key.`)
  if (another) throw new TokenError(`${where} several keys labelled ${JSON.stringify(label)}.`)
  const [id, extractable, sensitive] = token.library
    .C_GetAttributeValue(token.session, key, [
      { type: pkcs11js.CKA_ID },
      { type: pkcs11js.CKA_EXTRACTABLE },
      { type: pkcs11js.CKA_SENSITIVE },
    ])
    .map(({ value }) => value as Buffer)
  if (extractable?.[0] !== 0 || sensitive?.[0] !== 1) {
    throw new TokenError(`${where} a key labelled ${JSON.stringify(label)} that may leave it; make another one.`)
  }
  if (id?.byteLength !== keyIdByteLength) {
    throw new TokenError(
      `${where} a key labelled ${JSON.stringify(label)} without an id of 16 bytes; make another one.`,
    )
  }
  return {
    id: encodeBase64Url(id) as KeyId,
    async encrypt(plaintext, additionalData) {
      const nonce = randomBytes(nonceByteLength)
      const output = Buffer.alloc(plaintext.byteLength + tagByteLength)
      token.library.C_EncryptInit(token.session, gcm(nonce, additionalData), key)
      const ciphertext = token.library.C_Encrypt(token.session, Buffer.from(plaintext), output)
      return { nonce: new Uint8Array(nonce), ciphertext: new Uint8Array(ciphertext) }
    },
    async decrypt({ nonce, ciphertext }, additionalData) {
      const output = Buffer.alloc(ciphertext.byteLength)
      token.library.C_DecryptInit(token.session, gcm(nonce, additionalData), key)
      const plaintext = token.library.C_Decrypt(token.session, Buffer.from(ciphertext), output)
      const copy = new Uint8Array(plaintext)
      output.fill(0)
      return copy
    },
  }
}

function findKeys({ library, session }: Token, label: string): Buffer[] {
  library.C_FindObjectsInit(session, naming(label))
  try {
    return library.C_FindObjects(session, 2)
  } finally {
    library.C_FindObjectsFinal(session)
  }
}

const naming = (label: string) => [
  { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
  { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
  { type: pkcs11js.CKA_LABEL, value: label },
]

const gcm = (nonce: Uint8Array, additionalData: Uint8Array) => ({
  mechanism: pkcs11js.CKM_AES_GCM,
  parameter: {
    type: pkcs11js.CK_PARAMS_AES_GCM,
    iv: Buffer.from(nonce),
    ivBits: 8 * nonceByteLength,
    aad: Buffer.from(additionalData),
    tagBits: 8 * tagByteLength,
  },
})

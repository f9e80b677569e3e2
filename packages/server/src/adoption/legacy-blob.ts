import { decodeBase64, importPrivateKey, importPublicKey, type KeyOwner } from '@nokkel/crypto'

/** What another EKM-05 system left in the columns of an owner. */
export interface LegacyKey {
  readonly owner: KeyOwner
  readonly ownerId: string
  readonly publicKey: string
  readonly encryptedPrivateKey: string
}

/**
 * Why a key cannot be adopted.
 *
 * - `blob_malformed`: the column is not JSON with exactly `data` and `iv`, in base64.
 * - `wrong_key`: it does not open under the given master key, or it was altered.
 * - `key_unsupported`: what is in it is not an RSA-4096 private key as PKCS#8.
 * - `public_key_mismatch`: the public key beside it is that of another private key, or none.
 * - `key_exists`: the owner has an active key here already.
 * - `key_reused`: the owner had this key here before.
 * - `changed`: the columns changed while it was looked at; run it again.
 */
export type AdoptionProblem =
  | 'blob_malformed'
  | 'wrong_key'
  | 'key_unsupported'
  | 'public_key_mismatch'
  | 'key_exists'
  | 'key_reused'
  | 'changed'

export class AdoptionError extends Error {
  override readonly name = 'AdoptionError'
  readonly code: AdoptionProblem

  constructor(code: AdoptionProblem, options?: ErrorOptions) {
    super(code, options)
    this.code = code
  }
}

/**
 * Opens and checks a key of the plain form: AES-256-GCM without additional data, of the base64 text of PKCS#8, possibly
 * as PEM.
 *
 * @param masterKey - The AES-GCM key it was wrapped by.
 * @returns PKCS#8 in DER: secret, the caller's to overwrite.
 * @throws {AdoptionError} It cannot be adopted.
 */
export async function openLegacyKey(legacy: LegacyKey, masterKey: CryptoKey): Promise<Uint8Array<ArrayBuffer>> {
  const { data, iv } = parseBlob(legacy.encryptedPrivateKey)
  const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, masterKey, data).then(
    (plaintext) => new Uint8Array(plaintext),
    (cause: unknown) => {
      throw new AdoptionError('wrong_key', { cause })
    },
  )
  const bytes = decodeKeyText(new TextDecoder().decode(opened), 'key_unsupported')
  opened.fill(0)
  try {
    const { thumbprint } = await importPrivateKey(bytes).catch((cause: unknown) => {
      throw new AdoptionError('key_unsupported', { cause })
    })
    const beside = await importPublicKey(decodeKeyText(legacy.publicKey, 'public_key_mismatch')).catch((cause) => {
      throw new AdoptionError('public_key_mismatch', { cause })
    })
    if (beside.thumbprint !== thumbprint) throw new AdoptionError('public_key_mismatch')
    return bytes
  } catch (cause) {
    bytes.fill(0)
    throw cause
  }
}

function parseBlob(text: string): Record<'data' | 'iv', Uint8Array<ArrayBuffer>> {
  try {
    const { data, iv, ...rest } = JSON.parse(text) as Record<string, string>
    const blob = { data: decodeBase64(data ?? ''), iv: decodeBase64(iv ?? '') }
    if (Object.keys(rest).length === 0 && blob.iv.byteLength === 12 && blob.data.byteLength > 16) return blob
  } catch {
    // Not JSON, or not base64: the same answer.
  }
  throw new AdoptionError('blob_malformed')
}

function decodeKeyText(text: string, problem: AdoptionProblem): Uint8Array<ArrayBuffer> {
  try {
    return decodeBase64(text.replace(/-----(?:BEGIN|END) [A-Z ]+-----|\s/g, ''))
  } catch (cause) {
    throw new AdoptionError(problem, { cause })
  }
}

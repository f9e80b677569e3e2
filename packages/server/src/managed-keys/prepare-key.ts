import {
  CryptoError,
  encodeBase64,
  formatEncryptedPrivateKey,
  importPrivateKey,
  type KeyOwner,
  parseHeader,
  privateKeyContext,
} from '@nokkel/crypto'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import type { Keyring } from '../keyring/keyring.ts'

/** A key as its row will have it. */
export interface PreparedKey {
  readonly id: string
  readonly publicKey: string
  readonly thumbprint: string
  readonly encryptedPrivateKey: string
  readonly envelopeHash: Uint8Array
  readonly masterKeyId: string
}

/**
 * Checks a private key, derives its public half and wraps it for its owner. Takes one RSA operation.
 *
 * @param bytes - PKCS#8. Overwritten.
 * @throws {ServerError} `key_unsupported`.
 */
export async function prepareKey(
  keyring: Keyring,
  owner: KeyOwner,
  ownerId: string,
  bytes: Uint8Array,
): Promise<PreparedKey> {
  try {
    const { publicKey, thumbprint } = await importPrivateKey(bytes)
    const id = crypto.randomUUID()
    const envelope = await keyring.wrap(bytes, privateKeyContext(owner, id, ownerId))
    return {
      id,
      publicKey: encodeBase64(publicKey),
      thumbprint,
      encryptedPrivateKey: formatEncryptedPrivateKey(envelope),
      envelopeHash: await sha256(envelope),
      masterKeyId: parseHeader(envelope)?.keyId ?? '',
    }
  } catch (cause) {
    if (cause instanceof CryptoError && cause.code === 'key_unusable') {
      throw new ServerError('key_unsupported', { cause })
    }
    throw cause
  } finally {
    bytes.fill(0)
  }
}

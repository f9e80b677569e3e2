import {
  type Context,
  CryptoError,
  decryptEnvelope,
  type EnvelopeKey,
  encryptEnvelope,
  importEnvelopeKey,
  type KeyId,
  parseHeader,
} from '@nokkel/crypto'

/** The master keys, able to protect and to open, unable to be read. */
export interface Keyring {
  /** Of the master key that wraps. */
  readonly keyId: KeyId
  wrap(plaintext: Uint8Array, context: Context): Promise<Uint8Array>
  /** @throws {CryptoError} `open_failed`. */
  unwrap(envelope: Uint8Array, context: Context): Promise<Uint8Array>
}

/** A keyring that tells its other keys, too, to be checked. */
export interface OpenKeyring extends Keyring {
  readonly keys: readonly EnvelopeKey[]
}

/** @param masterKeys - 32 bytes each, the first one wraps. Copied, not kept. */
export async function createKeyring(masterKeys: readonly Uint8Array[]): Promise<OpenKeyring> {
  const keys = await Promise.all(masterKeys.map(importEnvelopeKey))
  const [active] = keys
  if (!active) throw new TypeError('There is no master key.')
  const byId = new Map(keys.map((key) => [key.id, key]))
  return {
    keys,
    keyId: active.id,
    wrap: (plaintext, context) => encryptEnvelope(plaintext, active, context),
    async unwrap(envelope, context) {
      const key = byId.get(parseHeader(envelope)?.keyId as KeyId)
      if (!key) throw new CryptoError('open_failed')
      return decryptEnvelope(envelope, key, context)
    },
  }
}

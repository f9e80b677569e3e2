import {
  type Context,
  CryptoError,
  decryptEnvelope,
  type EnvelopeKey,
  encryptEnvelope,
  type KeyId,
  parseHeader,
} from '@nokkel/crypto'
import type { CountWrap } from './wrap-count.ts'

/** The master keys, able to protect and to open, unable to be read. */
export interface Keyring {
  /** Of the master key that wraps. */
  readonly keyId: KeyId
  /**
   * Counted in the database: call it outside transactions.
   *
   * @throws {ServerError} `master_key_exhausted`.
   */
  wrap(plaintext: Uint8Array, context: Context): Promise<Uint8Array>
  /** @throws {CryptoError} `open_failed`. */
  unwrap(envelope: Uint8Array, context: Context): Promise<Uint8Array>
}

/** @param keys - The first one wraps; each opens what names it. */
export function createKeyring(keys: readonly [EnvelopeKey, ...EnvelopeKey[]], countWrap: CountWrap): Keyring {
  const [active] = keys
  const byId = new Map<string | undefined, EnvelopeKey>(keys.map((key) => [key.id, key]))
  return {
    keyId: active.id,
    async wrap(plaintext, context) {
      await countWrap()
      return encryptEnvelope(plaintext, active, context)
    },
    async unwrap(envelope, context) {
      const key = byId.get(parseHeader(envelope)?.keyId)
      if (!key) throw new CryptoError('open_failed')
      return decryptEnvelope(envelope, key, context)
    },
  }
}

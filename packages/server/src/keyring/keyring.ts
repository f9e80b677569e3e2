import { type Context, decryptEnvelope, encryptEnvelope, importEnvelopeKey, type KeyId } from '@nokkel/crypto'

/** The master key, able to protect and to open, unable to be read. */
export interface Keyring {
  readonly keyId: KeyId
  wrap(plaintext: Uint8Array, context: Context): Promise<Uint8Array>
  /** @throws {CryptoError} `open_failed`. */
  unwrap(envelope: Uint8Array, context: Context): Promise<Uint8Array>
}

/**
 * Makes the keyring of a master key.
 *
 * @param masterKey - 256 bits as 64 hexadecimal digits.
 * @throws {TypeError} `masterKey` is anything else. The message does not repeat it.
 *
 * @example
 * ```ts
 * const keyring = await createKeyring('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')
 * ```
 * @see docs/spec/envelope.md
 */
export async function createKeyring(masterKey: string): Promise<Keyring> {
  if (typeof masterKey !== 'string' || !/^[0-9a-f]{64}$/i.test(masterKey)) {
    throw new TypeError('The master key must be 64 hexadecimal digits (256 bits).')
  }
  const bytes = Uint8Array.from(masterKey.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  const key = await importEnvelopeKey(bytes)
  bytes.fill(0)
  return {
    keyId: key.id,
    wrap: (plaintext, context) => encryptEnvelope(plaintext, key, context),
    unwrap: (envelope, context) => decryptEnvelope(envelope, key, context),
  }
}

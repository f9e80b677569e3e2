/**
 * Why an operation of this package refused.
 *
 * - `open_failed`: a ciphertext did not open. Wrong key, wrong context, altered, cut short, malformed: all look the same.
 * - `signature_invalid`: a signed object is malformed, not of the expected kind, or does not say what was expected.
 * - `key_unusable`: a key is not one this operation accepts.
 */
export type CryptoErrorCode = 'open_failed' | 'signature_invalid' | 'key_unusable'

const messages: Record<CryptoErrorCode, string> = {
  open_failed: 'The ciphertext could not be opened',
  signature_invalid: 'The signature is not valid',
  key_unusable: 'The key cannot be used here',
}

/**
 * The one error of this package. Its message never holds key material, plaintext or an expected value.
 * Programmer mistakes are `TypeError` and `RangeError` instead, and name the argument.
 */
export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  readonly code: CryptoErrorCode

  constructor(code: CryptoErrorCode, options?: ErrorOptions) {
    super(messages[code], options)
    this.code = code
  }
}

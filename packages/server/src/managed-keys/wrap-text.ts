import { type Bytes, CryptoError, decodeBase64 } from '@nokkel/crypto'

const wrappedByteLength = 512

/** Reads a column `encrypted_symmetric_key`. @throws {CryptoError} `open_failed`: not 512 bytes in base64. */
export function decodeWrap(text: string): Bytes {
  try {
    const bytes = decodeBase64(text)
    if (bytes.byteLength === wrappedByteLength) return bytes
  } catch (cause) {
    throw new CryptoError('open_failed', { cause })
  }
  throw new CryptoError('open_failed')
}

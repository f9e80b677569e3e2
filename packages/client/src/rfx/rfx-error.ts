import { CryptoError } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'

/** What members signed or wrapped does not fit together. The message is for a developer. */
export function tampered(message: string, cause?: unknown): NokkelError {
  return new NokkelError('rfx_tampered', { message, cause })
}

/** Runs a step on what the server gave: what does not verify, does not open or is not even of the right form was tampered with. */
export async function whole<T>(what: string, step: () => Promise<T> | T): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    const malformed = cause instanceof CryptoError || cause instanceof TypeError || cause instanceof RangeError
    throw malformed ? tampered(`${what} does not fit`, cause) : cause
  }
}

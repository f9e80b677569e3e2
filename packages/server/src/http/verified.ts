import { CryptoError } from '@nokkel/crypto'
import { ServerError } from './server-error.ts'

/** What a verification gives. @throws {ServerError} `statement_invalid`: what is signed does not fit what was sent. */
export async function verified<T>(verifying: Promise<T>): Promise<T> {
  try {
    return await verifying
  } catch (cause) {
    if (cause instanceof CryptoError) throw new ServerError('statement_invalid', { cause })
    throw cause
  }
}

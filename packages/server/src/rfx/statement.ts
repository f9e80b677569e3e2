import { CryptoError } from '@nokkel/crypto'
import { ServerError } from '../http/server-error.ts'

const maximumRevision = 2_147_483_647

/** What a verification gives. @throws {ServerError} `statement_invalid`: what is signed does not fit what was sent. */
export async function verified<T extends { readonly revision: number }>(verifying: Promise<T>): Promise<T> {
  const statement = await verifying.catch((cause: unknown) => {
    if (cause instanceof CryptoError) throw new ServerError('statement_invalid', { cause })
    throw cause
  })
  if (statement.revision > maximumRevision) throw new ServerError('statement_invalid', { detail: 'revision' })
  return statement
}

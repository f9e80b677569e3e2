import { MAXIMUM_INTEGER } from '@nokkel/contract'
import { ServerError } from '../http/server-error.ts'
import { verified } from '../http/verified.ts'

/** As {@link verified}; a revision that the database cannot hold is refused, too. */
export async function verifiedRevision<T extends { readonly revision: number }>(verifying: Promise<T>): Promise<T> {
  const statement = await verified(verifying)
  if (statement.revision > MAXIMUM_INTEGER) throw new ServerError('statement_invalid', { detail: 'revision' })
  return statement
}

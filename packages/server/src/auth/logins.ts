import type { AnswerOf, listLogins as listOperation } from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { type ContactDependencies, readContact } from './contact-store.ts'
import { deleteLogin, selectLogins } from './store.ts'

/** The ways in that a person has, and what Vipps told of them. */
export async function listLogins(
  dependencies: ContactDependencies,
  claims: Claims,
): Promise<AnswerOf<typeof listOperation>> {
  const logins = await withClaims(dependencies.database, claims, selectLogins)
  return {
    logins: logins.map(({ linkedAt, lastLoginAt, ...login }) => ({
      ...login,
      linkedAt: instant(linkedAt),
      lastLoginAt: optionalInstant(lastLoginAt),
    })),
    contact: await readContact(dependencies, claims.sub),
  }
}

/**
 * Removes a way in and ends the sessions that came from it.
 *
 * @throws {ServerError} `not_found`, `login_too_old`, `login_last` or `login_in_use`.
 */
export async function removeLogin(
  { database }: Pick<ContactDependencies, 'database'>,
  caller: Caller,
  id: string,
): Promise<void> {
  const { claims, requestId } = caller
  await recordRefusal(database, caller, { action: 'login.unlink', type: 'identity', id }, () =>
    withClaims(database, claims, (transaction) => deleteLogin(transaction, id, requestId)),
  )
}

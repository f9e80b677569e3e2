import type { AnswerOf, listDevelopers as listOperation } from '@nokkel/contract'
import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Database } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { selectDevelopers, updateDeveloper } from './store.ts'

/** Who reviews projects in the organisation. */
export async function listDevelopers(database: Database, claims: Claims): Promise<AnswerOf<typeof listOperation>> {
  return withClaims(database, claims, async (transaction) => ({ developers: await selectDevelopers(transaction) }))
}

/** What they could read as one closes with it. @throws {ServerError} `forbidden`. `not_found`: not in the organisation. */
export async function setDeveloper(
  database: Database,
  caller: Caller,
  userId: string,
  developer: boolean,
): Promise<void> {
  const action = developer ? 'developer.create' : 'developer.remove'
  await recordRefusal(database, caller, { action, type: 'app_user', id: userId }, () =>
    withClaims(database, caller.claims, (transaction) =>
      updateDeveloper(transaction, userId, developer, caller.requestId),
    ),
  )
}

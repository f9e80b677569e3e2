import type { AnswerOf, getMembersById, listMembers as listOperation, ParsedOf } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { decodeCursor, toPage } from '../db/page-cursor.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { searchPattern } from './search-pattern.ts'
import { coordinates, selectMembers } from './store.ts'

/** A page of the members of the organisation one is logged in to. @throws {ServerError} `forbidden`: for members. */
export async function listMembers(
  database: Database,
  claims: Claims,
  { cursor, limit, search }: ParsedOf<typeof listOperation>['query'],
): Promise<AnswerOf<typeof listOperation>> {
  // Postgres text cannot hold this one.
  if (search?.includes('\0')) throw new ServerError('request_malformed', { detail: 'search' })
  const after = decodeCursor(cursor)
  const pattern = searchPattern(search)
  const { organization: organizationId } = claims
  const found = await withClaims(database, claims, async (transaction) => {
    if (!(await coordinates(transaction, organizationId))) throw new ServerError('forbidden')
    return selectMembers(transaction, { organizationId, pattern, after, limit: limit + 1 })
  })
  const { rows, ...rest } = toPage(found, limit, ({ name, id }) => ({ key: name, id }))
  return { members: [...rows], ...rest }
}

/** Those of `ids` that are members; the others are left out. @throws {ServerError} `forbidden`: for members. */
export async function lookUpMembers(
  database: Database,
  claims: Claims,
  ids: readonly string[],
): Promise<AnswerOf<typeof getMembersById>> {
  const { organization: organizationId } = claims
  return withClaims(database, claims, async (transaction) => {
    if (!(await coordinates(transaction, organizationId))) throw new ServerError('forbidden')
    return { members: await selectMembers(transaction, { organizationId, ids, limit: ids.length }) }
  })
}

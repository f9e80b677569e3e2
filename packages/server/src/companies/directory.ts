import type { AnswerOf, Company, listCompanies as listOperation, ParsedOf } from '@nokkel/contract'
import type { Database, Transaction } from '../db/database.ts'
import { decodeCursor, toPage } from '../db/page-cursor.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { searchPattern } from '../organizations/search-pattern.ts'
import { selectCompanies, selectCompanyKeys, selectCompanyMembers } from './store.ts'

/** A page of the companies of the organisation one is logged in to, or of those one is in. */
export async function listCompanies(
  database: Database,
  claims: Claims,
  { cursor, limit, search, mine }: ParsedOf<typeof listOperation>['query'],
): Promise<AnswerOf<typeof listOperation>> {
  const after = decodeCursor(cursor)
  const pattern = searchPattern(search)
  const found = await withClaims(database, claims, (transaction) =>
    selectCompanies(transaction, { mine: mine === 'true', pattern, after, limit: limit + 1 }),
  )
  const { rows, ...rest } = toPage(found, limit, ({ name, id }) => ({ key: name, id }))
  return { companies: [...rows], ...rest }
}

/** @throws {ServerError} `not_found`: also for those who only see the company in the list. */
export async function getCompany(database: Database, claims: Claims, id: string): Promise<Company> {
  return withClaims(database, claims, (transaction) => readCompany(transaction, id))
}

/** As {@link getCompany}, within a transaction. */
export async function readCompany(transaction: Transaction, id: string): Promise<Company> {
  const [summary] = await selectCompanies(transaction, { ids: [id], mine: true, limit: 1 })
  if (!summary) throw new ServerError('not_found')
  return {
    ...summary,
    members: await selectCompanyMembers(transaction, id),
    keys: await selectCompanyKeys(transaction, id),
  }
}

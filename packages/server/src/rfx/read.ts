import type { AnswerOf, listRfx as listOperation, ParsedOf, Rfx } from '@nokkel/contract'
import type { Database, Transaction } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { decodeCursor, toPage } from '../db/page-cursor.ts'
import { type Claims, withClaims, withSnapshot } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { selectGroups } from './key-store.ts'
import { selectParties } from './parties.ts'
import { selectFacts, selectSummaries } from './store.ts'

export async function listRfx(
  database: Database,
  claims: Claims,
  { cursor, limit }: ParsedOf<typeof listOperation>['query'],
): Promise<AnswerOf<typeof listOperation>> {
  const after = decodeCursor(cursor)
  if (after && !/^\d{1,17}$/.test(after.key)) throw new ServerError('request_malformed', { detail: 'cursor' })
  const found = await withClaims(database, claims, (transaction) =>
    selectSummaries(transaction, { after, limit: limit + 1 }),
  )
  const { rows, ...rest } = toPage(found, limit, ({ position }) => position)
  return { rfx: rows.map(({ summary }) => summary), ...rest }
}

/** @throws {ServerError} `not_found`: also for those who were in it before. */
export async function getRfx(database: Database, claims: Claims, id: string): Promise<Rfx> {
  return withSnapshot(database, claims, (transaction) => readRfx(transaction, id))
}

/** As {@link getRfx}, within a transaction. */
export async function readRfx(transaction: Transaction, id: string): Promise<Rfx> {
  const [found] = await selectSummaries(transaction, { ids: [id], limit: 1 })
  if (!found) throw new ServerError('not_found')
  const { serverTime, ...facts } = await selectFacts(transaction, id, found.summary.createdBy)
  return {
    ...found.summary,
    ...(await selectParties(transaction, id)),
    groups: await selectGroups(transaction, { rfxId: id }),
    ...facts,
    serverTime: instant(serverTime),
  }
}

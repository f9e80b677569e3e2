import type { AnswerOf, listRfxRecipients as listOperation, ParsedOf } from '@nokkel/contract'
import type { Database, Transaction } from '../db/database.ts'
import { decodeCursor, toPage } from '../db/page-cursor.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { findMayWrap, type RecipientFilter, selectCoverage, selectRecipients } from './key-store.ts'

/** Who is in a group and has its key, or a key to wrap it to. @throws {ServerError} `not_found` or `forbidden`. */
export async function listRecipients(
  database: Database,
  claims: Claims,
  groupId: string,
  { cursor, limit, only }: ParsedOf<typeof listOperation>['query'],
): Promise<AnswerOf<typeof listOperation>> {
  const after = parseCursor(cursor)
  return withClaims(database, claims, async (transaction) => {
    await requireMayWrap(transaction, groupId)
    const found = await selectRecipients(transaction, groupId, { missing: only === 'missing', after, limit: limit + 1 })
    const { rows, ...rest } = toPage(found, limit, ({ owner, ownerId }) => ({ key: owner, id: ownerId }))
    return { recipients: [...rows], ...(!after && { coverage: await selectCoverage(transaction, groupId) }), ...rest }
  })
}

/** @throws {ServerError} `not_found`: not in the group. `forbidden`: suppliers wrap the key of a project to nobody. */
async function requireMayWrap(transaction: Transaction, groupId: string): Promise<void> {
  const may = await findMayWrap(transaction, groupId)
  if (!may) throw new ServerError(may === undefined ? 'not_found' : 'forbidden')
}

function parseCursor(cursor: string | undefined): RecipientFilter['after'] {
  const position = decodeCursor(cursor)
  if (!position) return undefined
  const { key: owner, id } = position
  if (owner !== 'user' && owner !== 'company') throw new ServerError('request_malformed', { detail: 'cursor' })
  return { owner, id }
}

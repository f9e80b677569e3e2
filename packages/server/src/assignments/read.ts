import type { AnswerOf, Assignment, listAssignments as listOperation, ParsedOf } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { decodeCursor, toPage } from '../db/page-cursor.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { findOwnDevice, markFetched, markOpened } from './store.ts'
import { selectAssignment, selectBox } from './summaries.ts'

export async function listAssignments(
  database: Database,
  claims: Claims,
  { box, cursor, limit }: ParsedOf<typeof listOperation>['query'],
): Promise<AnswerOf<typeof listOperation>> {
  const after = decodeCursor(cursor)
  if (after && !/^\d{1,17}$/.test(after.key)) throw new ServerError('request_malformed', { detail: 'cursor' })
  const found = await withClaims(database, claims, (transaction) =>
    selectBox(transaction, { userId: claims.sub, box, after, limit: limit + 1 }),
  )
  const { rows, ...rest } = toPage(found, limit, ({ position }) => position)
  return { assignments: rows.map(({ summary }) => summary), ...rest }
}

/** Reading it with a key that fits this device is what the sender sees as fetched. */
export async function getAssignment(database: Database, claims: Claims, id: string): Promise<Assignment> {
  return withClaims(database, claims, async (transaction) => {
    const assignment = await selectAssignment(transaction, id, claims.sub)
    if (!assignment) throw new ServerError('not_found')
    if (assignment.key && assignment.sender.id !== claims.sub) await markFetched(transaction, id, claims.sub)
    return assignment
  })
}

/** @throws {ServerError} `device_required`. `not_found`: not a recipient, or no key for this device. */
export async function acknowledgeOpened(database: Database, claims: Claims, id: string): Promise<void> {
  await withClaims(database, claims, async (transaction) => {
    if (!(await findOwnDevice(transaction))) throw new ServerError('device_required')
    if (!(await markOpened(transaction, id, claims.sub))) throw new ServerError('not_found')
  })
}

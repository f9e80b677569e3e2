import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Database, Transaction } from '../db/database.ts'
import { withClaims } from '../db/with-claims.ts'

/** What is done to a project or a group, as it is recorded. */
export interface RfxSubject {
  readonly action: string
  /** Of the project or group; null for the organisation. */
  readonly id: string | null
}

/** The database decides and records what it allows; what it or the server refuses is recorded here. */
export async function recorded<T>(
  database: Database,
  caller: Caller,
  { action, id }: RfxSubject,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return recordRefusal(database, caller, { action, type: 'rfx', id }, () => withClaims(database, caller.claims, work))
}

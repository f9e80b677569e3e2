import type { Rfx } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Caller } from '../audit/caller.ts'
import type { Database, Transaction } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { recorded } from './refusals.ts'

/** Who decides each change, by the name it is recorded under. */
const functions = {
  /** @throws {ServerError} `conflict`: the buyer itself. `rfx_status`, `not_found` or `forbidden`. */
  'rfx_invitation.create': sql`nokkel.invite_to_rfx`,
  /**
   * Takes the key from the company and its people.
   *
   * @throws {ServerError} `deadline_passed`, `rfx_status`, `not_found` or `forbidden`.
   */
  'rfx_invitation.remove': sql`nokkel.withdraw_from_rfx`,
  /**
   * Takes the key from them, and the opening of bids.
   *
   * @throws {ServerError} `conflict`: oneself. `not_found`: also of who is not in it. `forbidden`: also of an opener,
   * the creator or an administrator, by who may not name openers. `openers_missing`.
   */
  'rfx_member.remove': sql`nokkel.exclude_from_rfx`,
  /** @throws {ServerError} `not_found` or `forbidden`. */
  'rfx_member.readmit': sql`nokkel.readmit_to_rfx`,
  /** @throws {ServerError} `not_found`: also of who is no buyer. `forbidden`. */
  'rfx_opener.create': sql`nokkel.name_opener`,
  /**
   * Takes the opening key from them.
   *
   * @throws {ServerError} `openers_missing`: bids would depend on one person, or nobody. `not_found` or `forbidden`.
   */
  'rfx_opener.remove': sql`nokkel.dismiss_opener`,
}

type PartyAction = keyof typeof functions

/** Changes whether a company or a person takes part in a project, or may open its bids. */
export async function changeParty(
  database: Database,
  caller: Caller,
  action: PartyAction,
  id: string,
  partyId: string,
): Promise<void> {
  await recorded(database, caller, { action, id }, (transaction) =>
    updateParty(transaction, action, id, partyId, caller.requestId),
  )
}

/** As {@link changeParty}, within a transaction. */
export async function updateParty(
  transaction: Transaction,
  action: PartyAction,
  id: string,
  partyId: string,
  requestId: string,
): Promise<void> {
  await sql`
    select ${functions[action]}(${id}::uuid, ${partyId}::uuid, ${requestId}::uuid)`.execute(transaction)
}

/** Who takes part in a project by name, as far as the person may know. */
export async function selectParties(
  transaction: Transaction,
  id: string,
): Promise<Pick<Rfx, 'suppliers' | 'excluded' | 'openers'>> {
  const { rows } = await sql<{ kind: string; id: string; name: string; added_at: Date }>`
    select * from nokkel.rfx_parties(${id}::uuid)`.execute(transaction)
  const of = (kind: string) => rows.filter((row) => row.kind === kind)
  return {
    suppliers: of('supplier').map((row) => ({ id: row.id, name: row.name, invitedAt: instant(row.added_at) })),
    excluded: of('excluded').map((row) => ({ id: row.id, name: row.name })),
    openers: of('opener').map((row) => ({ id: row.id, name: row.name })),
  }
}

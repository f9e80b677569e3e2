import type { ProblemCode } from '@nokkel/contract'
import { sql } from 'kysely'
import { ServerError } from '../http/server-error.ts'
import type { Database, Transaction } from './database.ts'
import { retryDeadlock } from './retry.ts'

/** Who acts, as the access token says. `sub` is the person, `sid` the session. */
export interface Claims {
  readonly sub: string
  readonly sid: string
  readonly role: 'authenticated'
  readonly organization: string
}

const endedSession: Record<string, ProblemCode> = {
  signed_out: 'session_ended',
  revoked: 'session_ended',
  reuse: 'session_ended',
  expired: 'session_expired',
  device_superseded: 'device_superseded',
  device_revoked: 'device_revoked',
  merged: 'account_merged',
  erased: 'account_erased',
}

/** What a caller is told of a session that is no longer live. */
export const sessionProblem = (state: string): ProblemCode => endedSession[state] ?? 'session_ended'

/**
 * Runs `work` as the person in `claims`: the only door through which person-bound requests reach the database.
 * Role and claims hold for this transaction alone. After a deadlock it runs once more, so `work` changes nothing but the database.
 *
 * @throws {ServerError} `session_ended`, `session_expired`, `device_superseded`, `device_revoked`, `account_merged` or
 * `account_erased`.
 */
export async function withClaims<T>(
  database: Database,
  claims: Claims,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return retryDeadlock(() => database.transaction().execute((transaction) => actAs(transaction, claims, work)))
}

/** As {@link withClaims}, to read only: all statements of `work` see the database as it was at the first one. */
export async function withSnapshot<T>(
  database: Database,
  claims: Claims,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return database
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute((transaction) => actAs(transaction, claims, work))
}

async function actAs<T>(
  transaction: Transaction,
  claims: Claims,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const { rows } = await sql<{ state: string }>`
    select nokkel.session_state(${claims.sid}::uuid, ${claims.sub}::uuid) as state,
      set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
      set_config('role', 'authenticated', true)`.execute(transaction)
  const state = rows[0]?.state ?? 'revoked'
  if (state !== 'live') throw new ServerError(sessionProblem(state))
  return work(transaction)
}

import type { Database } from '../db/database.ts'
import { type Claims, sessionProblem } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { readSessionState } from './store.ts'

/**
 * Registration runs before a session has a device, outside the door of `withClaims`; the functions it calls refuse a
 * dead session by themselves, and this says why it is dead.
 */
export async function requireLiveSession(database: Database, claims: Claims): Promise<void> {
  const state = await readSessionState(database, claims)
  if (state !== 'live') throw new ServerError(sessionProblem(state))
}

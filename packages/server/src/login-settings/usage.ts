import type { Attempt } from '../auth/store.ts'
import type { Database } from '../db/database.ts'
import { countVippsLogin, noteVippsRefusal } from './store.ts'

/** Counts a login that Vipps is paid for: one whose code was exchanged, whatever becomes of it. */
export async function recordPaidLogin(
  database: Database,
  { provider, organizationId }: Pick<Attempt, 'provider' | 'organizationId'>,
): Promise<void> {
  if (provider === 'vipps') await countVippsLogin(database, organizationId)
}

/** Remembers, for its administrators, that Vipps did not take the client of an organisation. */
export async function recordRefusedClient(
  database: Database,
  { provider, organizationId }: Pick<Attempt, 'provider' | 'organizationId'>,
): Promise<void> {
  if (provider === 'vipps') await noteVippsRefusal(database, organizationId)
}

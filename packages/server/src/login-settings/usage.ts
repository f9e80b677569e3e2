import type { Attempt } from '../auth/store.ts'
import type { Database } from '../db/database.ts'
import { countVippsLogin } from './store.ts'

/** Counts a login that Vipps is paid for: one whose code was exchanged, whatever becomes of it. */
export async function recordPaidLogin(
  database: Database,
  { provider, organizationId }: Pick<Attempt, 'provider' | 'organizationId'>,
): Promise<void> {
  if (provider === 'vipps') await countVippsLogin(database, organizationId)
}

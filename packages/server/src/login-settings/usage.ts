import type { Attempt } from '../auth/store.ts'
import type { Database } from '../db/database.ts'
import { countVippsLogin, endBankIdRefusal, noteRefusal } from './store.ts'

/**
 * Counts a login that Vipps is paid for: one whose code was exchanged, whatever becomes of it. Of BankID it says only that the
 * client is taken.
 */
export async function recordPaidLogin(
  database: Database,
  { provider, organizationId }: Pick<Attempt, 'provider' | 'organizationId'>,
): Promise<void> {
  await (provider === 'vipps' ? countVippsLogin : endBankIdRefusal)(database, organizationId)
}

/** Remembers, for its administrators, that the provider did not take the client of an organisation. */
export async function recordRefusedClient(
  database: Database,
  { provider, organizationId }: Pick<Attempt, 'provider' | 'organizationId'>,
): Promise<void> {
  await noteRefusal(database, provider, organizationId)
}

import type { Consent } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'

interface ConsentRow extends Omit<Consent, 'givenAt' | 'withdrawnAt'> {
  readonly givenAt: Date
  readonly withdrawnAt: Date | null
}

/** The newest first. */
export async function selectConsents(transaction: Transaction): Promise<Consent[]> {
  const { rows } = await sql<ConsentRow>`
    select id, purpose, shares, legal_basis as "legalBasis", text_version as "textVersion", organization,
      given_at as "givenAt", withdrawn_at as "withdrawnAt"
    from nokkel.my_consents()`.execute(transaction)
  return rows.map(({ givenAt, withdrawnAt, ...consent }) => ({
    ...consent,
    givenAt: instant(givenAt),
    withdrawnAt: optionalInstant(withdrawnAt),
  }))
}

/** @throws `not_found`. */
export async function withdrawRow(transaction: Transaction, id: string, requestId: string): Promise<void> {
  await sql`select nokkel.withdraw_consent(${id}::uuid, ${requestId}::uuid)`.execute(transaction)
}

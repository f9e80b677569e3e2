import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Database } from '../db/database.ts'
import { withClaims } from '../db/with-claims.ts'
import type { Api } from '../http/api.ts'
import { selectConsents, withdrawRow } from './store.ts'

export function registerConsents(api: Api, { database }: { readonly database: Database }): void {
  api.implement(contract.listConsents, async ({ claims }) => ({
    consents: await withClaims(database, claims, selectConsents),
  }))
  api.implement(contract.withdrawConsent, async ({ params, ...request }) => {
    const caller = callerOf(request)
    const subject = { action: 'consent.withdraw', type: 'consent', id: params.id }
    await recordRefusal(database, caller, subject, () =>
      withClaims(database, caller.claims, (transaction) => withdrawRow(transaction, params.id, caller.requestId)),
    )
  })
}

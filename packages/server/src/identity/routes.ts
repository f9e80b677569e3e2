import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Transaction } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import type { Api } from '../http/api.ts'
import { ServerError } from '../http/server-error.ts'
import { currentIdentityKey } from './identity-keys.ts'
import { declinePersonnummer, type KeepDependencies, keepPersonnummer } from './keep.ts'
import { type ReadDependencies, readPersonnummer, revealPersonnummer } from './read.ts'
import { markBankIdRow, selectIdentity, upsertIdentityRow } from './store.ts'

export type IdentityDependencies = KeepDependencies & ReadDependencies

export function registerIdentity(api: Api, dependencies: IdentityDependencies): void {
  const { database } = dependencies

  api.implement(contract.getIdentity, async ({ claims }) => ({
    identity: await withClaims(database, claims, (transaction) => selectIdentity(transaction, claims)),
  }))
  api.implement(contract.upsertIdentity, async ({ claims, body }) => {
    if (body.userId !== claims.sub) throw new ServerError('forbidden')
    return withClaims(database, claims, async (transaction) => {
      await upsertIdentityRow(transaction)
      return ownIdentity(transaction, claims)
    })
  })
  api.implement(contract.markBankIdVerified, (request) => {
    const { claims } = request
    const subject = { action: 'identity.bankid', type: 'identity', id: null }
    return recordRefusal(database, callerOf(request), subject, () =>
      withClaims(database, claims, async (transaction) => {
        await markBankIdRow(transaction, claims)
        return ownIdentity(transaction, claims)
      }),
    )
  })
  api.implement(contract.getIdentityKey, async ({ claims }) => {
    await withClaims(database, claims, async () => undefined)
    return { publicKey: await currentIdentityKey(dependencies) }
  })
  api.implement(contract.getPersonnummer, ({ claims }) => readPersonnummer(dependencies, claims))
  api.implement(contract.keepPersonnummer, async ({ body, ...request }) => {
    await keepPersonnummer(dependencies, callerOf(request), body)
    return withClaims(database, request.claims, (transaction) => ownIdentity(transaction, request.claims))
  })
  api.implement(contract.declinePersonnummer, (request) => declinePersonnummer(dependencies, callerOf(request)))
  api.implement(contract.revealPersonnummer, (request) => revealPersonnummer(dependencies, callerOf(request)))
}

async function ownIdentity(transaction: Transaction, claims: Claims): Promise<contract.UserIdentity> {
  const identity = await selectIdentity(transaction, claims)
  if (!identity) throw new ServerError('conflict')
  return identity
}

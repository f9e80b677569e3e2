import * as contract from '@nokkel/contract'
import { callerOf } from '../../audit/caller.ts'
import type { Database } from '../../db/database.ts'
import { withClaims } from '../../db/with-claims.ts'
import type { Api } from '../../http/api.ts'
import { listEntries, listStaleKeys, readEntry } from './read.ts'
import { addEntry, moveContentKeys } from './write.ts'

export interface RfxContentDependencies {
  readonly database: Database
}

export function registerRfxContent(api: Api, { database }: RfxContentDependencies): void {
  api.implement(contract.addRfxEntry, (request) =>
    addEntry(database, callerOf(request), request.params.id, request.body),
  )
  api.implement(contract.listRfxEntries, ({ claims, params, query }) => listEntries(database, claims, params.id, query))
  api.implement(contract.getRfxEntry, ({ claims, params: { id, sequence } }) =>
    withClaims(database, claims, (transaction) => readEntry(transaction, id, sequence)),
  )
  api.implement(contract.listStaleContentKeys, ({ claims, params, query }) =>
    listStaleKeys(database, claims, params.id, query),
  )
  api.implement(contract.moveContentKeys, (request) =>
    moveContentKeys(database, callerOf(request), request.params.id, request.body),
  )
}

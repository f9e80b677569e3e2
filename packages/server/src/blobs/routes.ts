import * as contract from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { withClaims } from '../db/with-claims.ts'
import type { Api } from '../http/api.ts'
import { ServerError } from '../http/server-error.ts'
import { findChunk } from './store.ts'
import { announceFile, storeChunk } from './upload.ts'

export interface BlobsDependencies {
  readonly database: Database
}

export function registerBlobs(api: Api, { database }: BlobsDependencies): void {
  api.implement(contract.createBlob, ({ claims, body }) => announceFile(database, claims, body))
  api.implement(contract.putBlobChunk, ({ claims, params, bytes }) => storeChunk(database, claims, params, bytes))
  api.implement(contract.getBlobChunk, async ({ claims, params: { id, index } }) => {
    const bytes = await withClaims(database, claims, (transaction) => findChunk(transaction, id, index))
    if (!bytes) throw new ServerError('not_found')
    return bytes
  })
}

import * as contract from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { withClaims } from '../db/with-claims.ts'
import type { Api } from '../http/api.ts'
import { ServerError } from '../http/server-error.ts'
import { createChallenge } from './challenge.ts'
import { findSigningKey } from './directory.ts'
import { registerDevice } from './registration.ts'
import { resumeDevice } from './resumption.ts'
import { endDevice, selectDevices } from './store.ts'

export interface KeysDependencies {
  readonly database: Database
  readonly now: () => Date
}

export function registerKeys(api: Api, { database, now }: KeysDependencies): void {
  api.implement(contract.createDeviceChallenge, ({ claims, body }) =>
    createChallenge(database, claims, body.encryptionKey),
  )
  api.implement(contract.registerDevice, ({ claims, body }) =>
    registerDevice(database, claims, body.registration, now()),
  )
  api.implement(contract.resumeDevice, async ({ claims, body }) => ({
    deviceId: await resumeDevice(database, claims, body.proof, now()),
  }))
  api.implement(contract.listDevices, async ({ claims }) => ({
    devices: await withClaims(database, claims, selectDevices),
  }))
  api.implement(contract.revokeDevice, async ({ claims, params }) => {
    const ended = await withClaims(database, claims, (transaction) => endDevice(transaction, params.id))
    if (!ended) throw new ServerError('not_found')
  })
  api.implement(contract.getSigningKey, async ({ claims, params }) => {
    const key = await withClaims(database, claims, (transaction) => findSigningKey(transaction, params.thumbprint))
    if (!key) throw new ServerError('not_found')
    return key
  })
}

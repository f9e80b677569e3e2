import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import type { Database } from '../db/database.ts'
import type { Api } from '../http/api.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { registerRfxBids } from './bids/routes.ts'
import { checkRfx } from './check.ts'
import { registerRfxContent } from './content/routes.ts'
import { listDevelopers, setDeveloper } from './developers.ts'
import { addWraps, createGroup, getGroup } from './groups.ts'
import {
  changeStatus,
  createRfx,
  dismissOpener,
  exclude,
  invite,
  nameOpener,
  readmit,
  removeRfx,
  setDeadline,
  withdraw,
} from './life.ts'
import { getRfx, listRfx } from './read.ts'
import { listRecipients } from './recipients.ts'
import { findSigners } from './signers.ts'
import { activateVersion, addVersionWraps, beginVersion, reportBrokenWrap } from './versions.ts'

export interface RfxDependencies {
  readonly database: Database
  readonly keyring: Keyring
  readonly now: () => Date
}

export function registerRfx(api: Api, dependencies: RfxDependencies): void {
  const { database, now } = dependencies

  api.implement(contract.createRfx, (request) => createRfx(database, callerOf(request), request.body))
  api.implement(contract.listRfx, ({ claims, query }) => listRfx(database, claims, query))
  api.implement(contract.getRfx, ({ claims, params }) => getRfx(database, claims, params.id))
  api.implement(contract.deleteRfx, async (request) => {
    await removeRfx(database, callerOf(request), request.params.id)
    return undefined
  })
  api.implement(contract.changeRfxStatus, (request) =>
    changeStatus(database, callerOf(request), request.params.id, request.body),
  )
  api.implement(contract.setRfxDeadline, (request) =>
    setDeadline(database, callerOf(request), request.params.id, request.body.deadline),
  )
  api.implement(contract.inviteSupplier, async (request) => {
    await invite(database, callerOf(request), request.params)
    return undefined
  })
  api.implement(contract.withdrawSupplier, async (request) => {
    await withdraw(database, callerOf(request), request.params)
    return undefined
  })
  api.implement(contract.excludeRfxMember, async (request) => {
    await exclude(database, callerOf(request), request.params)
    return undefined
  })
  api.implement(contract.readmitRfxMember, async (request) => {
    await readmit(database, callerOf(request), request.params)
    return undefined
  })
  api.implement(contract.nameOpener, async (request) => {
    await nameOpener(database, callerOf(request), request.params)
    return undefined
  })
  api.implement(contract.dismissOpener, async (request) => {
    await dismissOpener(database, callerOf(request), request.params)
    return undefined
  })

  api.implement(contract.createRfxGroup, (request) =>
    createGroup(database, callerOf(request), request.params.id, request.body),
  )
  api.implement(contract.getRfxGroup, ({ claims, params }) => getGroup(database, claims, params.id))
  api.implement(contract.listRfxRecipients, ({ claims, params, query }) =>
    listRecipients(database, claims, params.id, query),
  )
  api.implement(contract.addRfxWraps, (request) =>
    addWraps(database, callerOf(request), request.params.id, request.body),
  )
  api.implement(contract.beginRfxVersion, async (request) => {
    await beginVersion(database, callerOf(request), request.params.id, request.body)
    return undefined
  })
  api.implement(contract.addRfxVersionWraps, (request) =>
    addVersionWraps(database, callerOf(request), request.params, request.body),
  )
  api.implement(contract.activateRfxVersion, (request) =>
    activateVersion(database, callerOf(request), request.params, request.body),
  )
  api.implement(contract.reportBrokenWrap, async (request) => {
    await reportBrokenWrap(database, callerOf(request), request.params.id, request.body.version)
    return undefined
  })
  api.implement(contract.findRfxSigners, ({ claims, params, body }) =>
    findSigners(database, claims, params.id, body.thumbprints),
  )
  api.implement(contract.checkRfx, ({ claims, params }) => checkRfx(database, claims, params.id, now()))

  api.implement(contract.listDevelopers, ({ claims }) => listDevelopers(database, claims))
  api.implement(contract.nameDeveloper, async (request) => {
    await setDeveloper(database, callerOf(request), request.params.userId, true)
    return undefined
  })
  api.implement(contract.dismissDeveloper, async (request) => {
    await setDeveloper(database, callerOf(request), request.params.userId, false)
    return undefined
  })

  registerRfxContent(api, dependencies)
  registerRfxBids(api, dependencies)
}

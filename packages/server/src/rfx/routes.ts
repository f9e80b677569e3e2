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
import { changeStatus, createRfx, removeRfx, setDeadline } from './life.ts'
import { changeParty } from './parties.ts'
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
  api.implement(contract.deleteRfx, (request) => removeRfx(database, callerOf(request), request.params.id))
  api.implement(contract.changeRfxStatus, (request) =>
    changeStatus(database, callerOf(request), request.params.id, request.body),
  )
  api.implement(contract.setRfxDeadline, (request) =>
    setDeadline(database, callerOf(request), request.params.id, request.body.deadline),
  )
  api.implement(contract.inviteSupplier, (request) =>
    changeParty(database, callerOf(request), 'rfx_invitation.create', request.params.id, request.params.companyId),
  )
  api.implement(contract.withdrawSupplier, (request) =>
    changeParty(database, callerOf(request), 'rfx_invitation.remove', request.params.id, request.params.companyId),
  )
  api.implement(contract.excludeRfxMember, (request) =>
    changeParty(database, callerOf(request), 'rfx_member.remove', request.params.id, request.params.userId),
  )
  api.implement(contract.readmitRfxMember, (request) =>
    changeParty(database, callerOf(request), 'rfx_member.readmit', request.params.id, request.params.userId),
  )
  api.implement(contract.nameOpener, (request) =>
    changeParty(database, callerOf(request), 'rfx_opener.create', request.params.id, request.params.userId),
  )
  api.implement(contract.dismissOpener, (request) =>
    changeParty(database, callerOf(request), 'rfx_opener.remove', request.params.id, request.params.userId),
  )

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
  api.implement(contract.beginRfxVersion, (request) =>
    beginVersion(database, callerOf(request), request.params.id, request.body),
  )
  api.implement(contract.addRfxVersionWraps, (request) =>
    addVersionWraps(database, callerOf(request), request.params, request.body),
  )
  api.implement(contract.activateRfxVersion, (request) =>
    activateVersion(database, callerOf(request), request.params, request.body),
  )
  api.implement(contract.reportBrokenWrap, (request) =>
    reportBrokenWrap(database, callerOf(request), request.params.id, request.body.version),
  )
  api.implement(contract.findRfxSigners, ({ claims, params, body }) =>
    findSigners(database, claims, params.id, body.thumbprints),
  )
  api.implement(contract.checkRfx, ({ claims, params }) => checkRfx(database, claims, params.id, now()))

  api.implement(contract.listDevelopers, ({ claims }) => listDevelopers(database, claims))
  api.implement(contract.nameDeveloper, (request) =>
    setDeveloper(database, callerOf(request), request.params.userId, true),
  )
  api.implement(contract.dismissDeveloper, (request) =>
    setDeveloper(database, callerOf(request), request.params.userId, false),
  )

  registerRfxContent(api, dependencies)
  registerRfxBids(api, dependencies)
}

import * as contract from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import type { Api } from '../http/api.ts'
import { acknowledgeOpened, getAssignment, listAssignments } from './read.ts'
import { readdressAssignment } from './readdress.ts'
import { sendAssignment } from './send.ts'

export interface AssignmentsDependencies {
  readonly database: Database
}

export function registerAssignments(api: Api, { database }: AssignmentsDependencies): void {
  api.implement(contract.sendAssignment, ({ claims, body }) => sendAssignment(database, claims, body))
  api.implement(contract.readdressAssignment, ({ claims, params, body }) =>
    readdressAssignment(database, claims, params.id, body),
  )
  api.implement(contract.listAssignments, ({ claims, query }) => listAssignments(database, claims, query))
  api.implement(contract.getAssignment, ({ claims, params }) => getAssignment(database, claims, params.id))
  api.implement(contract.markAssignmentOpened, ({ claims, params }) => acknowledgeOpened(database, claims, params.id))
}

import * as contract from '@nokkel/contract'
import { callerOf } from '../audit/caller.ts'
import type { Database } from '../db/database.ts'
import type { Api } from '../http/api.ts'
import { getCompany, listCompanies } from './directory.ts'
import { changeMember, createCompany, invite, join, removeMember } from './membership.ts'

export interface CompaniesDependencies {
  readonly database: Database
}

export function registerCompanies(api: Api, { database }: CompaniesDependencies): void {
  api.implement(contract.listCompanies, ({ claims, query }) => listCompanies(database, claims, query))
  api.implement(contract.createCompany, (request) => createCompany(database, callerOf(request), request.body))
  api.implement(contract.getCompany, ({ claims, params }) => getCompany(database, claims, params.id))
  api.implement(contract.inviteToCompany, (request) =>
    invite(database, callerOf(request), request.params.id, request.body.role),
  )
  api.implement(contract.joinCompany, (request) => join(database, callerOf(request), request.body.code))
  api.implement(contract.changeCompanyMember, (request) =>
    changeMember(database, callerOf(request), request.params, request.body.role),
  )
  api.implement(contract.removeCompanyMember, (request) => removeMember(database, callerOf(request), request.params))
}

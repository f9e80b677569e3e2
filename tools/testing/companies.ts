import * as contract from '@nokkel/contract'
import type { TestApi } from './api.ts'
import type { LoggedIn } from './people.ts'

/** Makes a company as somebody who may, and gives its id. */
export async function createCompany(
  api: TestApi,
  { claims }: LoggedIn,
  company: { readonly name?: string; readonly organizationNumber?: string } = {},
): Promise<string> {
  const { status, body } = await api.call(contract.createCompany, claims, { body: { name: 'Fjordbygg', ...company } })
  if (status !== 201) throw new Error(`companies answered ${status}`)
  return body.id
}

/** Invites as an administrator of the company and joins as somebody else. */
export async function joinCompany(
  api: TestApi,
  administrator: LoggedIn,
  id: string,
  person: LoggedIn,
  role: 'member' | 'administrator' = 'member',
): Promise<void> {
  const invited = await api.call(contract.inviteToCompany, administrator.claims, { params: { id }, body: { role } })
  const { code } = invited.body
  const { status } = await api.call(contract.joinCompany, person.claims, { body: { code } })
  if (status !== 200) throw new Error(`companies/join answered ${status}`)
}

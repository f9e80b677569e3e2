import type { Company, CompanySummary, Me } from '@nokkel/contract'
import type { Call } from '../http/api.ts'
import type { KeyOwner } from '../user-keys/key-owner.ts'
import * as life from '../user-keys/key-owner.ts'
import { fingerprintOf, viewOfKey } from '../user-keys/managed-key.ts'
import type { CompanyDetails, CompanyService, CompanyView } from './company-service.ts'

export interface CompanyDependencies {
  readonly call: Call
  readonly me: () => Promise<Me>
}

export function createCompanyOperations({ call, me }: CompanyDependencies): CompanyService {
  const get = async (id: string) => detailsOf(await call('getCompany', { params: { id } }))
  const remove = async (id: string, userId: string) => call('removeCompanyMember', { params: { id, userId } })

  async function generate(companyId: string, { replaces, signal }: Parameters<KeyOwner['make']>[0] = {}) {
    const body = { companyId, ...(replaces === undefined ? {} : { replaces }) }
    return viewOfKey(await call('generateCompanyKeys', { body }, { signal }))
  }

  const ownerOf = (companyId: string): KeyOwner => ({
    list: async () => (await get(companyId)).keys,
    make: (options) => generate(companyId, options),
    rewrap: (id, cursor, signal) =>
      call('rewrapCompanyKey', { params: { companyId, id }, body: cursor === undefined ? {} : { cursor } }, { signal }),
    revoke: (id) => call('revokeCompanyKey', { params: { companyId, id } }),
    destroy: (id) => call('destroyCompanyKey', { params: { companyId, id } }),
  })

  return {
    async list({ search, mine, cursor, limit, signal } = {}) {
      const query = {
        ...(search ? { search } : {}),
        ...(mine ? { mine: 'true' as const } : {}),
        ...(cursor === undefined ? {} : { cursor }),
        ...(limit === undefined ? {} : { limit }),
      }
      const { companies, nextCursor } = await call('listCompanies', { query }, { signal })
      return { items: companies.map(viewOfCompany), ...(nextCursor === undefined ? {} : { nextCursor }) }
    },
    get,
    async create({ name, organizationNumber }) {
      const body = { name, ...(organizationNumber === undefined ? {} : { organizationNumber }) }
      return detailsOf(await call('createCompany', { body }))
    },
    invite: (id, { role = 'member' } = {}) => call('inviteToCompany', { params: { id }, body: { role } }),
    join: async (code) => detailsOf(await call('joinCompany', { body: { code } })),
    changeRole: (id, userId, role) => call('changeCompanyMember', { params: { id, userId }, body: { role } }),
    remove,
    leave: async (id) => remove(id, (await me()).id),
    generateKey: (id) => generate(id),
    regenerate: (id, options) => life.regenerate(ownerOf(id), options),
    moveWraps: (id, options) => life.moveWraps(ownerOf(id), options),
    markCompromised: (id, keyId, options) => life.revoke(ownerOf(id), keyId, options),
  }
}

function viewOfCompany<C extends CompanySummary>({ key, ...company }: C): Omit<C, 'key'> & Pick<CompanyView, 'key'> {
  return { ...company, key: key && { ...key, fingerprint: fingerprintOf(key) } }
}

function detailsOf(company: Company): CompanyDetails {
  return { ...viewOfCompany(company), keys: company.keys.map(viewOfKey) }
}

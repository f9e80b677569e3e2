import type { OrganizationSummary } from '@nokkel/contract'
import type { Request } from '../http/request.ts'

/** The organisations one can log in to; needs no login. */
export interface OrganizationService {
  list(): Promise<OrganizationSummary[]>
}

export function createOrganizationService(request: Request): OrganizationService {
  return { list: async () => (await request('listOrganizations', {})).organizations }
}

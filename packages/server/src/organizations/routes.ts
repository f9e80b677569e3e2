import * as contract from '@nokkel/contract'
import type { ProviderConnections } from '../auth/connections.ts'
import type { Database } from '../db/database.ts'
import { withClaims } from '../db/with-claims.ts'
import type { Api } from '../http/api.ts'
import { ServerError } from '../http/server-error.ts'
import { listMembers, lookUpMembers } from './members.ts'
import { selectMe, selectOrganizations } from './store.ts'

export interface OrganizationsDependencies {
  readonly database: Database
  /** The ways of logging in to organisations, by their slugs. */
  readonly offers: ProviderConnections['offers']
}

export function registerOrganizations(api: Api, { database, offers }: OrganizationsDependencies): void {
  api.implement(contract.listOrganizations, async () => {
    const organizations = await selectOrganizations(database)
    const bySlug = await offers(organizations.map(({ slug }) => slug))
    return {
      organizations: organizations.map(({ slug, name }) => ({ slug, name, providers: [...(bySlug.get(slug) ?? [])] })),
    }
  })
  api.implement(contract.getMe, async ({ claims }) => {
    const me = await withClaims(database, claims, selectMe)
    if (!me) throw new ServerError('session_ended')
    return me
  })
  api.implement(contract.listMembers, ({ claims, query }) => listMembers(database, claims, query))
  api.implement(contract.getMembersById, ({ claims, body }) => lookUpMembers(database, claims, body.ids))
}

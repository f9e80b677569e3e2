import type { ProviderConnections } from './connections.ts'
import { reaches } from './providers/assurance.ts'
import type { Provider, ProviderConnection } from './providers/provider.ts'
import { definitionOf } from './providers/registry.ts'
import type { LoginOrganization } from './store.ts'

type Wanted = Pick<LoginOrganization, 'minimumAssurance'>

/** Whether what it can prove suffices for the organisation. */
export function suffices(
  connection: ProviderConnection | undefined,
  { minimumAssurance }: Wanted,
): connection is ProviderConnection {
  return connection !== undefined && reaches(definitionOf(connection).highestAssurance, minimumAssurance)
}

/** What people of the organisation can log in by instead of this provider, now. */
export async function otherWays(
  connections: ProviderConnections,
  provider: Provider,
  slug: string,
  organization: Wanted,
): Promise<readonly Provider[]> {
  const offers = (await connections.offers([slug])).get(slug) ?? []
  const others = offers.filter(({ id, available }) => available && id !== provider)
  const found = await Promise.all(others.map(async ({ id }) => ({ id, other: await connections.find(id, slug) })))
  return found.flatMap(({ id, other }) => (suffices(other, organization) ? [id] : []))
}

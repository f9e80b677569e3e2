import type { OrganizationSummary } from '@nokkel/contract'
import type { Provider, ProviderConnection } from './providers/provider.ts'
import { definitionOf, type ProviderRegistry } from './providers/registry.ts'

export type ProviderOffer = OrganizationSummary['providers'][number]

/** How organisations let their people log in, now: what the operator configured and what administrators set up. */
export interface ProviderConnections {
  /** `undefined`: not set up, switched off, or not to be used now. */
  find(provider: Provider, organization: string): Promise<ProviderConnection | undefined>
  /** What the login pages of the organisations with these slugs say. */
  offers(organizations: readonly string[]): Promise<ReadonlyMap<string, readonly ProviderOffer[]>>
}

export function createProviderConnections({ registry }: { readonly registry: ProviderRegistry }): ProviderConnections {
  return {
    find: async (provider, organization) => registry.find(provider, organization),
    offers: async (organizations) =>
      new Map(organizations.map((slug) => [slug, registry.providersOf(slug).map((id) => offerOf(id, slug))])),
  }

  function offerOf(id: Provider, organization: string): ProviderOffer {
    const { personnummer = false, via } = registry.find(id, organization) ?? {}
    const { shares } = definitionOf({ provider: id, ...(via && { via }) })
    return { id, available: true, shares: [...shares], personnummer }
  }
}

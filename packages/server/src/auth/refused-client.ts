import { ServerError } from '../http/server-error.ts'
import type { ProviderConnections } from './connections.ts'
import { otherWays } from './other-ways.ts'
import type { Attempt } from './store.ts'

type Refused = Pick<Attempt, 'provider' | 'organization' | 'organizationId' | 'minimumAssurance'>

/** Told when a provider has refused an organisation's client, so that somebody can see to it. */
export type RefusedClient = (client: Pick<Refused, 'provider' | 'organization' | 'organizationId'>) => Promise<void>

export interface RefusedClientDependencies {
  readonly connections: ProviderConnections
  readonly refused?: RefusedClient
}

/** Reports a `provider_misconfigured` of this client, names in it how people can log in instead, and throws it on. */
export function reportRefusedClient({ connections, refused }: RefusedClientDependencies, client: Refused) {
  return async (error: unknown): Promise<never> => {
    if (!(error instanceof ServerError) || error.code !== 'provider_misconfigured') throw error
    const { provider, organization } = client
    await refused?.(client)
    const available = await otherWays(connections, provider, organization, client)
    throw new ServerError(error.code, { data: { available }, cause: error.cause })
  }
}

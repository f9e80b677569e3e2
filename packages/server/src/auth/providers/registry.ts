import { bankid } from './bankid.ts'
import type { Provider, ProviderConnection, ProviderDefinition } from './provider.ts'
import { vipps } from './vipps.ts'

export const providerDefinitions: Readonly<Record<Provider, ProviderDefinition>> = { bankid, vipps }

/** Which organisation lets its people log in how. */
export interface ProviderRegistry {
  find(provider: Provider, organization: string): ProviderConnection | undefined
  providersOf(organization: string): readonly Provider[]
  readonly connections: readonly ProviderConnection[]
}

/**
 * Makes the registry of all connections.
 *
 * @throws {TypeError} Two connections are of the same provider and organisation, or an issuer is not an URL.
 *
 * @example
 * ```ts
 * const providers = createProviderRegistry([
 *   {
 *     provider: 'vipps',
 *     organization: 'likeperson',
 *     issuer: 'https://api.vipps.no/access-management-1.0/access/',
 *     clientId: '123456',
 *     authentication: { method: 'client_secret_basic', secret: 'from the portal' },
 *   },
 * ])
 * ```
 */
export function createProviderRegistry(connections: readonly ProviderConnection[]): ProviderRegistry {
  const byKey = new Map<string, ProviderConnection>()
  for (const connection of connections) {
    const key = `${connection.provider}/${connection.organization}`
    if (byKey.has(key)) throw new TypeError(`There are two connections for ${key}.`)
    if (!URL.canParse(connection.issuer)) throw new TypeError(`The issuer of ${key} is not an URL.`)
    byKey.set(key, connection)
  }
  return {
    find: (provider, organization) => byKey.get(`${provider}/${organization}`),
    providersOf: (organization) =>
      connections.filter((connection) => connection.organization === organization).map(({ provider }) => provider),
    connections,
  }
}

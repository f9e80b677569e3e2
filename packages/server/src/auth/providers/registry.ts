import { bankid, bankidByIdura, bankidBySignicat } from './bankid.ts'
import type { Broker, Provider, ProviderConnection, ProviderDefinition } from './provider.ts'
import { isAppRedirectUri, isAppUri } from './redirect-uri.ts'
import { vipps, vippsByIdura } from './vipps.ts'

type Way = 'direct' | Broker

const definitions: Readonly<Record<Provider, Partial<Record<Way, ProviderDefinition>>>> = {
  bankid: { direct: bankid, idura: bankidByIdura, signicat: bankidBySignicat },
  vipps: { direct: vipps, idura: vippsByIdura },
}

/**
 * How the provider of a connection behaves.
 *
 * @throws {TypeError} The provider cannot be had by that broker.
 */
export function definitionOf({ provider, via }: Pick<ProviderConnection, 'provider' | 'via'>): ProviderDefinition {
  const definition = definitions[provider][via ?? 'direct']
  if (!definition) throw new TypeError(`There is no ${provider} by way of ${via}.`)
  return definition
}

/** Which organisation lets its people log in how. */
export interface ProviderRegistry {
  find(provider: Provider, organization: string): ProviderConnection | undefined
  providersOf(organization: string): readonly Provider[]
  readonly connections: readonly ProviderConnection[]
}

/**
 * Makes the registry of all connections.
 *
 * @throws {TypeError} Two connections are of the same provider and organisation, or one of them cannot be right; says
 * which and why.
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
    assertOptions(connection, key)
    byKey.set(key, connection)
  }
  return {
    find: (provider, organization) => byKey.get(`${provider}/${organization}`),
    providersOf: (organization) =>
      connections.filter((connection) => connection.organization === organization).map(({ provider }) => provider),
    connections,
  }
}

function assertOptions(connection: ProviderConnection, key: string): void {
  const { provider, organization, via, confirmInApp, market, appRedirectUri, appCallbackUri } = connection
  const { flows } = definitionOf(connection)
  const direct = provider === 'vipps' && via === undefined
  if (confirmInApp && !direct) throw new TypeError(`confirmInApp of ${key} is of Vipps itself.`)
  if (market && !direct) throw new TypeError(`The market of ${key} is of Vipps itself.`)
  if ((appRedirectUri ?? appCallbackUri) === undefined) return
  if (!flows.app_to_app) throw new TypeError(`The app of ${key} cannot be reached by way of ${via}.`)
  if (appRedirectUri === undefined || !isAppRedirectUri(appRedirectUri, provider, organization)) {
    throw new TypeError(
      `appRedirectUri of ${key} must be https or of a reverse-domain scheme, and end with /callback/${key}.`,
    )
  }
  if (appCallbackUri === undefined) return
  // The app of Vipps says there what came of it; that of BankID only opens it.
  if (direct && !isAppRedirectUri(appCallbackUri, provider, organization)) {
    throw new TypeError(
      `appCallbackUri of ${key} must be https or of a reverse-domain scheme, and end with /callback/${key}.`,
    )
  }
  if (!direct && !(isAppUri(appCallbackUri) && appCallbackUri.startsWith('https:'))) {
    throw new TypeError(`appCallbackUri of ${key} must be https.`)
  }
}

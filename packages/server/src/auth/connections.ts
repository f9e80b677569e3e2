import type { OrganizationSummary } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { unwrapClientSecret } from '../login-settings/client-secret.ts'
import { type OperatorWays, vippsObstacles } from '../login-settings/login-setup.ts'
import { type StoredSetup, selectSetups } from '../login-settings/store.ts'
import type { Provider, ProviderConnection } from './providers/provider.ts'
import { isRedirectOfApp } from './providers/redirect-uri.ts'
import { definitionOf } from './providers/registry.ts'

type ProviderOffer = OrganizationSummary['providers'][number]

/** How organisations let their people log in, now: what the operator configured and what administrators set up. */
export interface ProviderConnections {
  /**
   * @param moment - A login under way is let finish when a cap is reached meanwhile. Default `begin`.
   * @returns `undefined`: not set up, switched off, or not to be used now.
   */
  find(provider: Provider, organization: string, moment?: 'begin' | 'finish'): Promise<ProviderConnection | undefined>
  /** What the login pages of the organisations with these slugs say. What is set up but cannot be used is not `available`. */
  offers(organizations: readonly string[]): Promise<ReadonlyMap<string, readonly ProviderOffer[]>>
}

export interface ProviderConnectionsDependencies extends OperatorWays {
  readonly database: Database
  readonly keyring: Pick<Keyring, 'unwrap'>
  /** Into which apps people may be sent back: https origins and reverse-domain schemes. */
  readonly appOrigins: readonly string[]
}

/** A connection in the database wins over one that the operator has configured for the same organisation. */
export function createProviderConnections(dependencies: ProviderConnectionsDependencies): ProviderConnections {
  const { database, keyring, registry } = dependencies

  async function findVipps(organization: string, moment: 'begin' | 'finish'): Promise<ProviderConnection | undefined> {
    const [setup] = await selectSetups(database, [organization])
    if (!setup) return undefined
    const obstacles = vippsObstacles(setup, dependencies)
    const stands = moment === 'finish' ? obstacles.filter((obstacle) => obstacle !== 'vipps_cap_reached') : obstacles
    if (stands.length > 0) return undefined
    return setup.vipps ? openConnection(setup, dependencies, keyring) : registry.find('vipps', organization)
  }

  function offersOf(setup: StoredSetup): ProviderOffer[] {
    const bankid = registry.find('bankid', setup.slug)
    const vipps = registry.find('vipps', setup.slug)
    const offers: ProviderOffer[] = []
    if (bankid) offers.push(offerOf(bankid, { available: true, personnummer: bankid.personnummer }))
    if (vipps || setup.vipps) {
      const personnummer = setup.vipps ? setup.vipps.personnummerApproved : vipps?.personnummer
      const available = vippsObstacles(setup, dependencies).length === 0
      offers.push(
        offerOf(setup.vipps ? { provider: 'vipps' } : (vipps ?? { provider: 'vipps' }), { available, personnummer }),
      )
    }
    return offers
  }

  return {
    find: async (provider, organization, moment = 'begin') =>
      provider === 'vipps' ? findVipps(organization, moment) : registry.find(provider, organization),
    async offers(organizations) {
      const setups = await selectSetups(database, organizations)
      return new Map(setups.map((setup) => [setup.slug, offersOf(setup)]))
    },
  }
}

function offerOf(
  connection: Pick<ProviderConnection, 'provider' | 'via'>,
  { available, personnummer = false }: { readonly available: boolean; readonly personnummer: boolean | undefined },
): ProviderOffer {
  return { id: connection.provider, available, shares: [...definitionOf(connection).shares], personnummer }
}

/**
 * Opens what is stored of an organisation's own client of Vipps. Addresses of an app that the operator does not know, or no
 * longer, are left out.
 *
 * @returns `undefined`: there is none, its environment is not to be had here, or its secret is missing.
 */
export async function openConnection(
  setup: StoredSetup,
  { vippsIssuers, appOrigins }: Pick<ProviderConnectionsDependencies, 'vippsIssuers' | 'appOrigins'>,
  keyring: Pick<Keyring, 'unwrap'>,
): Promise<ProviderConnection | undefined> {
  const { organizationId, slug, vipps, wrappedClientSecret, revision } = setup
  const issuer = vipps && vippsIssuers[vipps.environment]
  if (!vipps || !issuer || !wrappedClientSecret) return undefined
  const isOurs = (uri: string | null): uri is string => uri !== null && isRedirectOfApp(uri, 'vipps', slug, appOrigins)
  const { clientId, authentication, personnummerApproved, confirmInApp, appRedirectUri, appCallbackUri, market } = vipps
  return {
    provider: 'vipps',
    organization: slug,
    issuer,
    clientId,
    authentication: {
      method: authentication,
      secret: await unwrapClientSecret(keyring, organizationId, wrappedClientSecret),
    },
    revision: `${organizationId}/${revision}`,
    personnummer: personnummerApproved,
    confirmInApp,
    ...(isOurs(appRedirectUri) && { appRedirectUri }),
    ...(isOurs(appCallbackUri) && { appCallbackUri }),
    ...(market !== null && { market }),
  }
}

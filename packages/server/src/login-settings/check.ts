import type { ProviderFinding } from '@nokkel/contract'
import { openConnection } from '../auth/connections.ts'
import { type CheckedConnection, checkConnection } from '../auth/providers/check-connection.ts'
import type { ProviderClientOptions } from '../auth/providers/client.ts'
import type { Provider } from '../auth/providers/provider.ts'
import type { Database } from '../db/database.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { OperatorWays } from './login-setup.ts'
import { redirectUriOf } from './redirect-uri.ts'
import { type StoredSetup, selectSetups } from './store.ts'

export interface CheckDependencies extends OperatorWays, ProviderClientOptions {
  /** Without it, only what the operator has configured is looked at. */
  readonly database?: Database
  readonly keyring: Pick<Keyring, 'unwrap'>
  readonly publicUrl: string
}

/** Tries how an organisation lets its people log in, also while that is switched off. */
export async function checkOrganization(
  dependencies: CheckDependencies,
  provider: Provider,
  organization: string,
): Promise<ProviderFinding[]> {
  const connection = await connectionToCheck(dependencies, provider, organization)
  if ('check' in connection) return [connection]
  const { publicUrl, production, timeoutSeconds, now } = dependencies
  const redirectUri = redirectUriOf(publicUrl, provider, organization)
  return checkConnection(connection, { redirectUri, production, timeoutSeconds, now })
}

async function connectionToCheck(
  dependencies: CheckDependencies,
  provider: Provider,
  organization: string,
): Promise<CheckedConnection | ProviderFinding> {
  const { database, registry } = dependencies
  const [setup] = provider === 'vipps' && database ? await selectSetups(database, [organization]) : []
  const connection = setup?.vipps ? await storedConnection(setup, dependencies) : registry.find(provider, organization)
  const detail = `There is no ${provider} for ${organization}; set it up first.`
  return connection ?? { check: 'discovery', result: 'failed', detail }
}

/** Without a secret it is there all the same, for everything else to be tried. */
async function storedConnection(
  setup: StoredSetup,
  { vippsIssuers, keyring }: CheckDependencies,
): Promise<CheckedConnection | ProviderFinding> {
  const { vipps, slug } = setup
  const issuer = vipps && vippsIssuers[vipps.environment]
  if (!vipps || !issuer) {
    const detail = `This server does not offer the ${vipps?.environment} environment of Vipps; choose another one.`
    return { check: 'discovery', result: 'failed', detail }
  }
  const opened = await openConnection(setup, { vippsIssuers }, keyring)
  if (opened) return opened
  const { clientId, personnummerApproved: personnummer, confirmInApp, appRedirectUri } = vipps
  return {
    provider: 'vipps',
    organization: slug,
    issuer,
    clientId,
    personnummer,
    confirmInApp,
    ...(appRedirectUri !== null && { appRedirectUri }),
  }
}

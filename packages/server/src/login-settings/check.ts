import type { ProviderFinding } from '@nokkel/contract'
import { openConnection } from '../auth/connections.ts'
import { type CheckedConnection, checkConnection } from '../auth/providers/check-connection.ts'
import type { ProviderClientOptions } from '../auth/providers/client.ts'
import type { Provider } from '../auth/providers/provider.ts'
import { isAppRedirectUri, isOfApp } from '../auth/providers/redirect-uri.ts'
import type { Database } from '../db/database.ts'
import type { Keyring } from '../keyring/keyring.ts'
import type { OperatorWays } from './login-setup.ts'
import { redirectUriOf } from './redirect-uri.ts'
import { type StoredSetup, selectSetups } from './store.ts'

export interface CheckDependencies extends OperatorWays, ProviderClientOptions {
  /** Without it, only what the operator has configured is looked at. */
  readonly database?: Database
  readonly keyring: Pick<Keyring, 'unwrap'>
  readonly appUrl: string
  readonly appOrigins: readonly string[]
}

/** Tries how an organisation lets its people log in, also while that is switched off. */
export async function checkOrganization(
  dependencies: CheckDependencies,
  provider: Provider,
  organization: string,
): Promise<ProviderFinding[]> {
  const { database, appUrl, production, timeoutSeconds, now } = dependencies
  const [setup] = provider === 'vipps' && database ? await selectSetups(database, [organization]) : []
  const connection = setup?.vipps
    ? await storedConnection(setup, dependencies)
    : dependencies.registry.find(provider, organization)
  const detail = `There is no ${provider} for ${organization}; set it up first.`
  if (!connection) return [{ check: 'discovery', result: 'failed', detail }]
  if ('check' in connection) return [connection]
  const redirectUri = redirectUriOf(appUrl, provider, organization)
  const findings = await checkConnection(connection, { redirectUri, production, timeoutSeconds, now })
  return [...findings, ...unknownApps(setup, dependencies)]
}

function unknownApps(setup: StoredSetup | undefined, { appOrigins }: CheckDependencies): ProviderFinding[] {
  if (!setup?.vipps) return []
  const { slug, vipps } = setup
  const { appRedirectUri, appCallbackUri } = vipps
  return Object.entries({ appRedirectUri, appCallbackUri }).flatMap(([member, uri]) => {
    if (uri === null) return []
    const isKnown = isOfApp(uri, appOrigins)
    if (isKnown && isAppRedirectUri(uri, 'vipps', slug)) return []
    const detail = isKnown
      ? `${member} does not end with /callback/vipps/${slug}, so it is not used: change it, or remove it.`
      : `The operator of this server knows no app of ${member}, so it is not used: have APP_ORIGINS name it, or remove it.`
    return [{ check: 'redirect_uri', result: 'failed', detail }]
  })
}

/** Without a secret it is there all the same, for everything else to be tried. */
async function storedConnection(
  setup: StoredSetup,
  { vippsIssuers, appOrigins, keyring }: CheckDependencies,
): Promise<CheckedConnection | ProviderFinding> {
  const { vipps, slug } = setup
  const issuer = vipps && vippsIssuers[vipps.environment]
  if (!vipps || !issuer) {
    const detail = `This server does not offer the ${vipps?.environment} environment of Vipps; choose another one.`
    return { check: 'discovery', result: 'failed', detail }
  }
  const opened = await openConnection(setup, { vippsIssuers, appOrigins }, keyring)
  if (opened) return opened
  const { clientId, personnummerApproved: personnummer, confirmInApp, appRedirectUri } = vipps
  return {
    provider: 'vipps',
    organization: slug,
    issuer,
    clientId,
    personnummer,
    confirmInApp,
    ...(appRedirectUri !== null && isOfApp(appRedirectUri, appOrigins) && { appRedirectUri }),
  }
}

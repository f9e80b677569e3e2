import type { BeginLogin, LoginBegun } from '@nokkel/contract'
import { buildAuthorizationUrl } from 'openid-client'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import type { ProviderClients } from './providers/client.ts'
import type { ProviderConnection } from './providers/provider.ts'
import { type ProviderRegistry, providerDefinitions } from './providers/registry.ts'
import { insertAttempt, selectOrganizationId } from './store.ts'

export interface BeginLoginDependencies {
  readonly database: Database
  readonly publicUrl: string
  readonly providers: ProviderRegistry
  readonly providerClients: ProviderClients
}

/**
 * Records a login attempt and says where to send the person.
 *
 * The redirect URI is of one provider and one organisation, so an answer of another one cannot be mixed up with it.
 *
 * @throws {ServerError} `organization_unknown`, `provider_unavailable` or `provider_unreachable`.
 * @see RFC 9700 §4.4.2, RFC 7636 §4.3
 */
export async function beginLogin(dependencies: BeginLoginDependencies, request: BeginLogin): Promise<LoginBegun> {
  const { database, publicUrl, providers, providerClients } = dependencies
  const { provider, organization, codeChallenge, state, nonce } = request
  const organizationId = await selectOrganizationId(database, organization)
  if (organizationId === undefined) throw new ServerError('organization_unknown')
  const connection = providers.find(provider, organization)
  if (!connection) throw new ServerError('provider_unavailable')
  const configuration = await providerClients(connection)
  const redirectUri = `${publicUrl}/callback/${provider}/${organization}`
  const authorizationUrl = buildAuthorizationUrl(configuration, {
    ...providerDefinitions[provider].authorizationParameters,
    redirect_uri: redirectUri,
    scope: scopeOf(connection),
    state,
    nonce,
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
  })
  const { id, expiresAt } = await insertAttempt(database, {
    provider,
    organizationId,
    issuer: connection.issuer,
    clientId: connection.clientId,
    redirectUri,
    stateHash: await sha256(state),
    nonceHash: await sha256(nonce),
    codeChallenge,
  })
  return { loginId: id, authorizationUrl: authorizationUrl.href, expiresAt: instant(expiresAt) }
}

function scopeOf({ provider, personnummer = false }: ProviderConnection): string {
  const { scopes, personnummerScope } = providerDefinitions[provider]
  return [...scopes, ...(personnummer ? [personnummerScope] : [])].join(' ')
}

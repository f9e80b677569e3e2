import type { BeginLogin, LoginBegun } from '@nokkel/contract'
import { buildAuthorizationUrl } from 'openid-client'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import type { ProviderConnections } from './connections.ts'
import type { ProviderClients } from './providers/client.ts'
import type { ProviderConnection } from './providers/provider.ts'
import { providerDefinitions } from './providers/registry.ts'
import { insertAttempt, selectOrganizationId } from './store.ts'

export interface BeginLoginDependencies {
  readonly database: Database
  readonly publicUrl: string
  readonly connections: ProviderConnections
  readonly providerClients: ProviderClients
}

/** What else than a plain login it is for. */
export interface LoginPurpose {
  /** The session whose person adds a way in. */
  readonly linkSessionId?: string
  /** The waiting login that this one confirms. */
  readonly waitingId?: string
  /** The account of Supabase that the login is to belong to. */
  readonly supabaseUserId?: string
}

/**
 * Records a login attempt and says where to send the person.
 *
 * The redirect URI is of one provider and one organisation, so an answer of another one cannot be mixed up with it.
 *
 * @throws {ServerError} `organization_unknown`, `provider_unavailable` or `provider_unreachable`.
 * @see RFC 9700 §4.4.2, RFC 7636 §4.3
 */
export async function beginLogin(
  dependencies: BeginLoginDependencies,
  request: Omit<BeginLogin, 'linkToken' | 'supabaseToken'>,
  purpose: LoginPurpose = {},
): Promise<LoginBegun> {
  const { database, publicUrl, connections, providerClients } = dependencies
  const { provider, organization, codeChallenge, state, nonce, consent, flow } = request
  const { linkSessionId = null, waitingId = null, supabaseUserId = null } = purpose
  const organizationId = await selectOrganizationId(database, organization)
  if (organizationId === undefined) throw new ServerError('organization_unknown')
  const connection = await connections.find(provider, organization)
  if (!connection) throw new ServerError('provider_unavailable')
  const configuration = await providerClients(connection)
  const redirectUri = `${publicUrl}/callback/${provider}/${organization}`
  const scope = scopeOf(connection, consent)
  const authorizationUrl = buildAuthorizationUrl(configuration, {
    ...providerDefinitions[provider].authorizationParameters,
    redirect_uri: redirectUri,
    scope,
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
    consentVersion: consent.version,
    consentShares: consent.shares,
    scope,
    flow,
    linkSessionId,
    waitingId,
    supabaseUserId,
  })
  return { loginId: id, authorizationUrl: authorizationUrl.href, expiresAt: instant(expiresAt) }
}

function scopeOf({ provider, personnummer = false }: ProviderConnection, { shares }: BeginLogin['consent']): string {
  const { scopes, shares: needed, personnummerScope } = providerDefinitions[provider]
  if (needed.some((share) => !shares.includes(share))) throw new ServerError('login_consent_missing')
  return [...scopes, ...(personnummer && shares.includes('personnummer') ? [personnummerScope] : [])].join(' ')
}

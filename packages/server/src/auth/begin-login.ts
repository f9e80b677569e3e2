import type { BeginLogin, LoginBegun } from '@nokkel/contract'
import { buildAuthorizationUrl, buildAuthorizationUrlWithPAR, type Configuration } from 'openid-client'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import type { Claims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import { redirectUriOf } from '../login-settings/redirect-uri.ts'
import type { ProviderConnections } from './connections.ts'
import { otherWays, suffices } from './other-ways.ts'
import { parsePersonnummer } from './personnummer.ts'
import { toLoginError } from './provider-failure.ts'
import type { ProviderClients } from './providers/client.ts'
import type { FlowRequest, ProviderConnection, ProviderDefinition } from './providers/provider.ts'
import { definitionOf } from './providers/registry.ts'
import { type RefusedClient, reportRefusedClient } from './refused-client.ts'
import { insertAttempt, letPastCap, selectOrganization } from './store.ts'

export interface BeginLoginDependencies {
  readonly database: Database
  /** Where the pages of the application are, without a final slash. */
  readonly appUrl: string
  readonly connections: ProviderConnections
  readonly providerClients: ProviderClients
  readonly refused?: RefusedClient
  /** Whether the personnummer of made-up people is one. */
  readonly allowSynthetic: boolean
}

/** What else than a plain login it is for. */
export interface LoginPurpose {
  /** The session whose person adds a way in. */
  readonly linkSessionId?: string
  /** The waiting login that this one confirms. */
  readonly waitingId?: string
  /** The account of Supabase that the login is to belong to. */
  readonly supabaseUserId?: string
  /** Whose person logs in anew: an administrator may do so past a cap. */
  readonly session?: Claims | undefined
}

type LoginRequest = Omit<BeginLogin, 'linkToken' | 'supabaseToken' | 'accessToken'>

/**
 * Records a login attempt and says where to send the person.
 *
 * The redirect URI is of one provider and one organisation, so an answer of another one cannot be mixed up with it.
 *
 * @throws {ServerError} `request_malformed`, `organization_unknown`, `provider_unavailable` with the ways that work,
 * `provider_flow_unavailable`, `login_consent_missing`, `provider_misconfigured` or `provider_unreachable`.
 * @see RFC 9700 §4.4.2, RFC 7636 §4.3
 */
export async function beginLogin(
  dependencies: BeginLoginDependencies,
  request: LoginRequest,
  purpose: LoginPurpose = {},
): Promise<LoginBegun> {
  const { database, appUrl, connections, providerClients, allowSynthetic } = dependencies
  const { provider, organization: slug, codeChallenge, state, nonce, consent, flow } = request
  const { linkSessionId = null, waitingId = null, supabaseUserId = null, session } = purpose
  const personnummer = readLoginHint(request, allowSynthetic)
  const organization = await selectOrganization(database, slug)
  if (!organization) throw new ServerError('organization_unknown')
  const unavailable = async () =>
    new ServerError('provider_unavailable', {
      data: { available: await otherWays(connections, provider, slug, organization) },
    })
  const available = await connections.find(provider, slug)
  const past = !available && session?.organization === organization.id ? session : undefined
  const connection = past ? await connections.find(provider, slug, 'finish') : available
  if (!suffices(connection, organization)) throw await unavailable()
  const definition = definitionOf(connection)
  const scope = scopeOf(definition, connection, consent)
  const { redirectUri, parameters } = flowOf(definition, connection, flow, redirectUriOf(appUrl, provider, slug))
  const acrValues = definition.acrValues({
    minimumAssurance: organization.minimumAssurance,
    confirmInApp: connection.confirmInApp ?? false,
  })
  const { configuration } = await providerClients(connection)
  const authorizationUrl = await authorize(configuration, personnummer && definition.loginHint?.(personnummer), {
    ...definition.parametersOf(connection),
    ...parameters,
    ...(acrValues !== undefined && { acr_values: acrValues }),
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
  }).catch(
    reportRefusedClient(dependencies, {
      provider,
      organization: slug,
      organizationId: organization.id,
      minimumAssurance: organization.minimumAssurance,
    }),
  )
  const { id, expiresAt } = await insertAttempt(database, {
    provider,
    organizationId: organization.id,
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
  if (past && !(await letPastCap(database, id, past))) throw await unavailable()
  return { loginId: id, authorizationUrl: authorizationUrl.href, expiresAt: instant(expiresAt) }
}

/** Refuses every number that is none in the words of one that is too short: nothing is told of any number. */
function readLoginHint({ provider, loginHint }: LoginRequest, allowSynthetic: boolean): string | null {
  if (!loginHint) return null
  const personnummer = provider === 'bankid' ? parsePersonnummer(loginHint.personnummer, allowSynthetic) : null
  if (personnummer) return personnummer
  throw malformed('body.loginHint.personnummer')
}

function malformed(path: string): ServerError {
  const problem = 'invalid_format'
  return new ServerError('request_malformed', { detail: `${path}: ${problem}`, data: { issues: [{ path, problem }] } })
}

/** What the person agreed to, no more than the client may have, and no less than the provider always tells. */
function scopeOf(
  { scopes, shares: needed, personnummerScope }: ProviderDefinition,
  { personnummer = false }: ProviderConnection,
  { shares }: BeginLogin['consent'],
): string {
  const known: readonly string[] = [...needed, 'personnummer']
  if (shares.some((share) => !known.includes(share))) throw malformed('body.consent.shares')
  if (needed.some((share) => !shares.includes(share))) throw new ServerError('login_consent_missing')
  return [...scopes, ...(personnummer && shares.includes('personnummer') ? [personnummerScope] : [])].join(' ')
}

function flowOf(
  definition: ProviderDefinition,
  connection: ProviderConnection,
  flow: BeginLogin['flow'],
  browserUri: string,
): FlowRequest {
  if (flow === 'browser') return { redirectUri: browserUri, parameters: {} }
  const request = definition.flows[flow]?.(connection, browserUri)
  if (!request) throw new ServerError('provider_flow_unavailable')
  return request
}

/**
 * A hint names a person, so it is only ever pushed (RFC 9126), and left out where that cannot be. The request is pushed
 * without it as well, for a provider that refuses it: what is sent and answered is the same, whoever was named.
 */
async function authorize(
  configuration: Configuration,
  hint: string | null | undefined,
  parameters: Record<string, string>,
): Promise<URL> {
  if (!hint || !configuration.serverMetadata().pushed_authorization_request_endpoint) {
    return buildAuthorizationUrl(configuration, parameters)
  }
  const push = async (hinted: Record<string, string>) => {
    const url = await buildAuthorizationUrlWithPAR(configuration, hinted)
    // OpenID Connect Core §6.1, and BankID since version 4 of its API, want it beside a request that is elsewhere.
    url.searchParams.set('response_type', 'code')
    return url
  }
  const [hinted, plain] = await Promise.allSettled([push({ ...parameters, login_hint: hint }), push(parameters)])
  if (hinted.status === 'fulfilled') return hinted.value
  if (plain.status === 'fulfilled') return plain.value
  throw toLoginError(plain.reason)
}

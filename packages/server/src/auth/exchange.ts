import type { CompleteLogin, PersonnummerOutcome } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { authorizationCodeGrant, type Configuration, fetchUserInfo } from 'openid-client'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import { isSame, readCallback } from './callback.ts'
import type { ProviderConnections } from './connections.ts'
import { readIdentity } from './identity.ts'
import { toLoginError } from './provider-failure.ts'
import type { ProviderClients } from './providers/client.ts'
import type { Claims, ProviderConnection, ProviderDefinition } from './providers/provider.ts'
import { providerDefinitions } from './providers/registry.ts'
import type { Attempt } from './store.ts'
import type { VerifiedLogin } from './verified-login.ts'

export interface ExchangeDependencies {
  readonly connections: ProviderConnections
  readonly providerClients: ProviderClients
  /** Whether made-up people may log in with their personnummer. */
  readonly allowSynthetic: boolean
}

type Answered = Pick<CompleteLogin, 'provider' | 'organization' | 'callback' | 'codeVerifier' | 'nonce'>

/** Stands for the client where a subject is the same for all of them. */
const EVERY_CLIENT = '*'

/**
 * Trades the callback of a login for what the provider vouches for.
 *
 * @param attempt - Taken, so that nothing here is ever tried twice.
 * @throws {ServerError} A code that begins with `login_`, `provider_unavailable` or `provider_unreachable`.
 * @see OpenID Connect Core §3.1.3.7
 */
export async function exchangeLogin(
  { connections, providerClients, allowSynthetic }: ExchangeDependencies,
  attempt: Attempt,
  request: Answered,
): Promise<VerifiedLogin> {
  await expectSameLogin(attempt, request)
  const definition = providerDefinitions[attempt.provider]
  const parameters = await readCallback(request.callback, definition, attempt)
  const configuration = await providerClients(await connectionOf(connections, attempt))
  if (configuration.serverMetadata().authorization_response_iss_parameter_supported && !parameters.has('iss')) {
    throw new ServerError('login_mismatch')
  }
  const claims = await exchange(configuration, definition, attempt.redirectUri, parameters, request)
  const { subject, name, acr, personnummer } = readIdentity(definition, claims, { allowSynthetic })
  const asked = attempt.scope.split(' ').includes(definition.personnummerScope)
  const personnummerOutcome: PersonnummerOutcome = personnummer ? 'verified' : asked ? 'absent' : 'not_asked'
  return {
    provider: attempt.provider,
    client: definition.subjectScope === 'client' ? attempt.clientId : EVERY_CLIENT,
    subject,
    name,
    acr,
    personnummer,
    personnummerOutcome,
    contact: null,
  }
}

async function expectSameLogin(attempt: Attempt, request: Answered): Promise<void> {
  const same =
    attempt.provider === request.provider &&
    attempt.organization === request.organization &&
    attempt.codeChallenge === encodeBase64Url(await sha256(request.codeVerifier)) &&
    isSame(await sha256(request.nonce), attempt.nonceHash)
  if (!same) throw new ServerError('login_mismatch')
}

/** The client the attempt was begun with, unless it was changed since. */
async function connectionOf(connections: ProviderConnections, attempt: Attempt): Promise<ProviderConnection> {
  const connection = await connections.find(attempt.provider, attempt.organization)
  if (connection?.issuer !== attempt.issuer || connection.clientId !== attempt.clientId) {
    throw new ServerError('provider_unavailable')
  }
  return connection
}

async function exchange(
  configuration: Configuration,
  definition: ProviderDefinition,
  redirectUri: string,
  parameters: URLSearchParams,
  request: Answered,
): Promise<Claims> {
  try {
    const tokens = await authorizationCodeGrant(configuration, new URL(`${redirectUri}?${parameters}`), {
      pkceCodeVerifier: request.codeVerifier,
      expectedState: parameters.get('state') ?? '',
      expectedNonce: request.nonce,
      idTokenExpected: true,
    })
    const claims = tokens.claims()
    if (!claims) throw new ServerError('login_token_invalid')
    if (!definition.readsUserinfo) return claims
    const userinfo = await fetchUserInfo(configuration, tokens.access_token, claims.sub)
    return { ...userinfo, ...claims }
  } catch (cause) {
    throw toLoginError(cause)
  }
}

import type { CompleteLogin, LoginCompleted } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { authorizationCodeGrant, type Configuration, fetchUserInfo } from 'openid-client'
import type { Database } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import type { AccessTokens } from '../session/access-token.ts'
import { generateRefreshToken, hashRefreshToken } from '../session/refresh-token.ts'
import { isSame, readCallback } from './callback.ts'
import type { ProviderConnections } from './connections.ts'
import { cleanName, readIdentity } from './identity.ts'
import type { IndexPersonnummer } from './personnummer.ts'
import { toLoginError } from './provider-failure.ts'
import type { ProviderClients } from './providers/client.ts'
import type { Claims, ProviderConnection, ProviderDefinition } from './providers/provider.ts'
import { providerDefinitions } from './providers/registry.ts'
import { type Attempt, signIn, takeAttempt } from './store.ts'

export interface CompleteLoginDependencies {
  readonly database: Database
  readonly connections: ProviderConnections
  readonly providerClients: ProviderClients
  readonly accessTokens: AccessTokens
  readonly indexPersonnummer: IndexPersonnummer
  /** Whether made-up people may log in with their personnummer. */
  readonly allowSynthetic: boolean
}

/** Stands for the client where a subject is the same for all of them. */
const EVERY_CLIENT = '*'

/** How long a session lives at most; rotation never extends it. */
const SESSION_LIFETIME_DAYS = 30

/**
 * Finishes a login: consumes the attempt, exchanges the code, finds or makes the account, opens a session.
 *
 * The attempt is consumed before anything is asked of the provider, so a code is never tried twice.
 *
 * @param thumbprint - Of the key that made the DPoP proof; the session is bound to it.
 * @throws {ServerError} A code that begins with `login_`, `provider_unavailable` or `provider_unreachable`.
 * @see OpenID Connect Core §3.1.3.7
 */
export async function completeLogin(
  dependencies: CompleteLoginDependencies,
  request: CompleteLogin,
  thumbprint: string,
): Promise<LoginCompleted> {
  const { database, connections, providerClients, accessTokens, indexPersonnummer, allowSynthetic } = dependencies
  const attempt = await takeAttempt(database, request.loginId, null)
  if (!attempt) throw new ServerError('login_unknown')
  await expectSameLogin(attempt, request)
  const definition = providerDefinitions[attempt.provider]
  const parameters = await readCallback(request.callback, definition, attempt)
  const configuration = await providerClients(await connectionOf(connections, attempt))
  if (configuration.serverMetadata().authorization_response_iss_parameter_supported && !parameters.has('iss')) {
    throw new ServerError('login_mismatch')
  }

  const claims = await exchange(configuration, definition, attempt.redirectUri, parameters, request)
  const { subject, name, acr, personnummer } = readIdentity(definition, claims, { allowSynthetic })
  const indexed = personnummer && (await indexPersonnummer(personnummer))
  const refreshToken = generateRefreshToken()
  const { userId, sessionId, sessionExpiresAt, outcome } = await signIn(database, {
    provider: attempt.provider,
    clientId: definition.subjectScope === 'client' ? attempt.clientId : EVERY_CLIENT,
    subject,
    organizationId: attempt.organizationId,
    name,
    acr,
    personnummerIndex: indexed?.index ?? null,
    personnummerIndexKey: indexed?.keyId ?? null,
    thumbprint,
    deviceName: request.deviceName === undefined ? '' : cleanName(request.deviceName),
    refreshHash: await hashRefreshToken(refreshToken),
    lifetimeDays: SESSION_LIFETIME_DAYS,
  })
  const { accessToken, expiresAt } = await accessTokens.issue({
    sub: userId,
    sid: sessionId,
    organization: attempt.organizationId,
  })
  return {
    tokens: {
      accessToken,
      accessTokenExpiresAt: instant(expiresAt),
      refreshToken,
      sessionId,
      sessionExpiresAt: instant(sessionExpiresAt),
    },
    userId,
    outcome,
    personnummer: personnummer ? 'verified' : attempt.consentShares.includes('personnummer') ? 'absent' : 'not_asked',
  }
}

async function expectSameLogin(attempt: Attempt, request: CompleteLogin): Promise<void> {
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
  request: CompleteLogin,
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

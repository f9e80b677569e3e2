import type { CompleteLogin } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import {
  authorizationCodeGrant,
  type Configuration,
  fetchUserInfo,
  getJwksCache,
  setJwksCache,
  skipStateCheck,
} from 'openid-client'
import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import { isSame, readCallback } from './callback.ts'
import type { ProviderConnections } from './connections.ts'
import { readContact } from './contact.ts'
import { readIdentity } from './identity.ts'
import { otherWays } from './other-ways.ts'
import { isKeyUnknown, toLoginError } from './provider-failure.ts'
import type { ProviderClient, ProviderClients } from './providers/client.ts'
import type { Claims, ProviderConnection, ProviderDefinition } from './providers/provider.ts'
import { definitionOf } from './providers/registry.ts'
import { type RefusedClientDependencies, reportRefusedClient } from './refused-client.ts'
import type { Attempt } from './store.ts'
import type { VerifiedLogin } from './verified-login.ts'

export interface ExchangeDependencies extends RefusedClientDependencies {
  readonly providerClients: ProviderClients
  /** Whether made-up people may log in with their personnummer. */
  readonly allowSynthetic: boolean
  /** Told of every login that a provider has given tokens for, whatever becomes of it. */
  readonly exchanged?: (attempt: Attempt) => Promise<void>
}

type Answered = Pick<CompleteLogin, 'provider' | 'organization' | 'callback' | 'codeVerifier' | 'nonce'>
type TokenAnswer = Awaited<ReturnType<typeof authorizationCodeGrant>>

/**
 * Trades the callback of a login for what the provider vouches for.
 *
 * @param attempt - Taken, so that nothing here is ever tried twice.
 * @throws {ServerError} A code that begins with `login_` or `provider_`.
 * @see OpenID Connect Core §3.1.3.7
 */
export async function exchangeLogin(
  dependencies: ExchangeDependencies,
  attempt: Attempt,
  request: Answered,
): Promise<VerifiedLogin> {
  const { connections, providerClients, allowSynthetic, exchanged } = dependencies
  await expectSameLogin(attempt, request)
  const connection = await connectionOf(connections, attempt)
  const definition = definitionOf(connection)
  const asksPersonnummer = attempt.scope.split(' ').includes(definition.personnummerScope)
  const parameters = await readCallback(request.callback, definition, { ...attempt, asksPersonnummer })
  const provider = await providerClients(connection)
  if (
    provider.configuration.serverMetadata().authorization_response_iss_parameter_supported &&
    !parameters.has('iss')
  ) {
    throw new ServerError('login_mismatch')
  }
  const tokens = await redeemCode(provider, attempt.redirectUri, parameters, request).catch(
    reportRefusedClient(dependencies, attempt),
  )
  await exchanged?.(attempt)
  const claims = await readClaims(provider, definition, tokens)
  const { subject, name, acr, assurance, personnummer } = readIdentity(definition, claims, {
    demand: { minimumAssurance: attempt.minimumAssurance, confirmInApp: connection.confirmInApp ?? false },
    asksPersonnummer,
    allowSynthetic,
  })
  return {
    provider: attempt.provider,
    client: definition.subjectOwner(attempt.clientId),
    subject,
    name,
    acr,
    assurance,
    personnummer,
    personnummerOutcome: personnummer ? 'verified' : asksPersonnummer ? 'absent' : 'not_asked',
    contact: readContact(claims, attempt.consentShares),
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
  const connection = await connections.find(attempt.provider, attempt.organization, 'finish')
  if (connection?.issuer !== attempt.issuer || connection.clientId !== attempt.clientId) {
    throw await unavailable(connections, attempt)
  }
  return connection
}

/** @param attempt - What is not to be had any more, or not for this person. */
export async function unavailable(
  connections: ProviderConnections,
  { provider, organization, minimumAssurance }: Attempt,
): Promise<ServerError> {
  const available = await otherWays(connections, provider, organization, { minimumAssurance })
  return new ServerError('provider_unavailable', { data: { available } })
}

/**
 * Sends the code to the provider, once, and checks what comes back.
 *
 * A provider may sign with a key that it published since its keys were last asked for. Then the answer that came is
 * checked again with the keys it has now; it is not asked for again, because a code works once.
 */
async function redeemCode(
  provider: ProviderClient,
  redirectUri: string,
  parameters: URLSearchParams,
  { codeVerifier, nonce }: Answered,
): Promise<TokenAnswer> {
  const grant = (configuration: Configuration) =>
    authorizationCodeGrant(configuration, new URL(`${redirectUri}?${parameters}`), {
      pkceCodeVerifier: codeVerifier,
      // It has been compared with the hash that the attempt remembers.
      expectedState: skipStateCheck,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
  let answer: Response | undefined
  const keys = getJwksCache(provider.configuration)
  let asking = provider.derive(
    (ask) => async (url, options) => {
      const response = await ask(url, options)
      if (options.method === 'POST') answer = response.clone()
      return response
    },
    keys,
  )
  try {
    const tokens = await grant(asking).catch((cause: unknown) => {
      const received = answer
      if (!received || !isKeyUnknown(cause)) throw cause
      asking = provider.derive(
        (ask) => async (url, options) => (options.method === 'POST' ? received : ask(url, options)),
      )
      return grant(asking)
    })
    const used = getJwksCache(asking)
    if (used) setJwksCache(provider.configuration, used)
    return tokens
  } catch (cause) {
    throw toLoginError(cause)
  }
}

async function readClaims(
  { configuration }: ProviderClient,
  { readsUserinfo }: ProviderDefinition,
  tokens: TokenAnswer,
): Promise<Claims> {
  const claims = tokens.claims()
  if (!claims) throw new ServerError('login_token_invalid')
  if (!readsUserinfo) return claims
  try {
    return { ...(await fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims }
  } catch (cause) {
    throw toLoginError(cause, 'userinfo')
  }
}

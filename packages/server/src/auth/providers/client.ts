import * as client from 'openid-client'
import { ServerError } from '../../http/server-error.ts'
import { hasAnswered } from '../provider-failure.ts'
import { createFetchTwice } from './fetch-twice.ts'
import type { ClientAuthentication, ProviderConnection } from './provider.ts'
import { definitionOf } from './registry.ts'

/** Ready to talk to the provider of a connection. */
export interface ProviderClient {
  readonly configuration: client.Configuration
  /**
   * The same for one exchange.
   *
   * @param fetch - Wraps the way this client asks.
   * @param keys - Of the provider, if they need not be asked for.
   */
  derive(fetch: (ask: client.CustomFetch) => client.CustomFetch, keys?: client.ExportedJWKSCache): client.Configuration
}

export type ProviderClients = (connection: ProviderConnection) => Promise<ProviderClient>

export interface ProviderClientOptions {
  readonly production: boolean
  readonly timeoutSeconds: number
  readonly now: () => Date
}

const freshMilliseconds = 3_600_000
/** How long what is known serves after it could not be refreshed. */
const retryMilliseconds = 60_000
const maximumKnown = 1000

interface Known {
  readonly connection: ProviderConnection
  readonly found: Promise<ProviderClient>
  /** When it must be asked for again. */
  readonly until: number
}

/**
 * Discovers each provider once an hour, and keeps what it knew when that fails.
 *
 * Connections are told apart by what they say, not by which object says it: they may be read from a database each time.
 *
 * @throws {ServerError} `provider_unreachable`: from the function it gives; nothing is remembered of a failure.
 */
export function createProviderClients({ production, timeoutSeconds, now }: ProviderClientOptions): ProviderClients {
  const known = new Map<string, Known>()
  const ask = createFetchTwice(timeoutSeconds)

  async function discover(connection: ProviderConnection): Promise<ProviderClient> {
    const issuer = new URL(connection.issuer)
    const metadata = { id_token_signed_response_alg: definitionOf(connection).signingAlgorithm }
    const authenticate = authentication(connection.authentication)
    const insecure = !production && isLoopback(issuer)
    const secure = (configuration: client.Configuration) => {
      if (insecure) client.allowInsecureRequests(configuration)
      // Without this an ID Token from the token endpoint is believed whoever signed it (OpenID Connect Core §3.1.3.7, 6).
      client.enableNonRepudiationChecks(configuration)
      return configuration
    }
    try {
      const configuration = await client.discovery(issuer, connection.clientId, metadata, authenticate, {
        timeout: timeoutSeconds,
        [client.customFetch]: ask,
        ...(insecure ? { execute: [client.allowInsecureRequests] } : {}),
      })
      const server = configuration.serverMetadata()
      assertServer(server, connection)
      return {
        configuration: secure(configuration),
        derive(fetch, keys) {
          const derived = new client.Configuration(server, connection.clientId, metadata, authenticate)
          derived.timeout = timeoutSeconds
          derived[client.customFetch] = fetch(ask)
          if (keys) client.setJwksCache(derived, keys)
          return secure(derived)
        },
      }
    } catch (cause) {
      throw new ServerError('provider_unreachable', {
        detail: 'discovery',
        data: { answered: hasAnswered(cause) },
        cause,
      })
    }
  }

  function remember(key: string, connection: ProviderConnection, found: Promise<ProviderClient>, lasts: number): void {
    known.delete(key)
    known.set(key, { connection, found, until: now().getTime() + lasts })
    const [oldest] = known.keys()
    if (known.size > maximumKnown && oldest !== undefined) known.delete(oldest)
  }

  return (connection) => {
    const { provider, via = '', issuer, clientId } = connection
    const key = JSON.stringify([provider, via, issuer, clientId])
    const last = known.get(key)
    const entry = last && isSameClient(last.connection, connection) ? last : undefined
    if (entry && now().getTime() < entry.until) return entry.found
    const found: Promise<ProviderClient> = discover(connection).catch((cause) => {
      if (known.get(key)?.found === found) known.delete(key)
      if (!entry) throw cause
      if (!known.has(key)) remember(key, connection, entry.found, retryMilliseconds)
      return entry.found
    })
    remember(key, connection, found, freshMilliseconds)
    return found
  }
}

function isSameClient(one: ProviderConnection, other: ProviderConnection): boolean {
  return one.revision === other.revision && isSameAuthentication(one.authentication, other.authentication)
}

function isSameAuthentication(one: ClientAuthentication, other: ClientAuthentication): boolean {
  if (one.method === 'private_key_jwt') {
    return other.method === one.method && one.key === other.key && one.kid === other.kid
  }
  return one.method === other.method && one.secret === other.secret
}

const testEnvironments = ['auth.current.bankid.no', 'apitest.vipps.no']
/** Of brokers, who give tenants names below these; one on a domain of its own looks like any other. */
const testTenants = /(?:\.test\.idura\.broker|-test\.criipto\.id|\.sandbox\.signicat\.com)$/

/** Whether an issuer may be spoken to at all. @throws {TypeError} Says which and why. */
export function assertIssuer(
  { issuer, provider, organization }: Pick<ProviderConnection, 'issuer' | 'provider' | 'organization'>,
  production: boolean,
): void {
  const url = new URL(issuer)
  // Their people would share subjects, phone numbers and accounts with real ones.
  const host = url.hostname.replace(/\.$/, '')
  if (production && (testEnvironments.includes(host) || testTenants.test(host))) {
    throw new TypeError(
      `The issuer of ${provider}/${organization} is a test environment; in production mode only real people log in.`,
    )
  }
  if (url.protocol === 'https:' || (!production && isLoopback(url))) return
  throw new TypeError(`The issuer of ${provider}/${organization} must be an https URL.`)
}

/** @see RFC 8414 §3.3 (the very same issuer), RFC 9700 §2.1.1 (PKCE that the server does not know protects nobody) */
function assertServer(server: client.ServerMetadata, { issuer }: ProviderConnection): void {
  if (server.issuer !== issuer) throw new TypeError('the issuer is another one')
  if (server.code_challenge_methods_supported?.includes('S256') === false) throw new TypeError('there is no S256')
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

function authentication(chosen: ClientAuthentication): client.ClientAuth {
  switch (chosen.method) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(chosen.secret)
    case 'client_secret_post':
      return client.ClientSecretPost(chosen.secret)
    case 'private_key_jwt':
      return client.PrivateKeyJwt(chosen.kid === undefined ? chosen.key : { key: chosen.key, kid: chosen.kid })
  }
}

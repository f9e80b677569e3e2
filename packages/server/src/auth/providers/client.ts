import * as client from 'openid-client'
import { ServerError } from '../../http/server-error.ts'
import type { ProviderConnection } from './provider.ts'
import { providerDefinitions } from './registry.ts'

/** Ready to talk to the provider of a connection. */
export type ProviderClients = (connection: ProviderConnection) => Promise<client.Configuration>

export interface ProviderClientOptions {
  readonly production: boolean
  readonly timeoutSeconds: number
  readonly now: () => Date
}

const freshMilliseconds = 3_600_000

/**
 * Discovers each provider once an hour, and keeps what it knew when that fails.
 *
 * @throws {ServerError} `provider_unreachable`: from the function it gives; nothing is remembered of a failure.
 */
export function createProviderClients({ production, timeoutSeconds, now }: ProviderClientOptions): ProviderClients {
  const known = new Map<ProviderConnection, { readonly since: number; readonly found: Promise<client.Configuration> }>()

  async function discover(connection: ProviderConnection): Promise<client.Configuration> {
    const { signingAlgorithm } = providerDefinitions[connection.provider]
    const issuer = new URL(connection.issuer)
    const insecure = !production && isLoopback(issuer)
    try {
      const configuration = await client.discovery(
        issuer,
        connection.clientId,
        { id_token_signed_response_alg: signingAlgorithm },
        authentication(connection),
        { timeout: timeoutSeconds, ...(insecure ? { execute: [client.allowInsecureRequests] } : {}) },
      )
      // Without this an ID Token from the token endpoint is believed whoever signed it (OpenID Connect Core §3.1.3.7, 6).
      client.enableNonRepudiationChecks(configuration)
      return configuration
    } catch (cause) {
      throw new ServerError('provider_unreachable', { detail: 'discovery', cause })
    }
  }

  return (connection) => {
    const entry = known.get(connection)
    if (entry && now().getTime() - entry.since < freshMilliseconds) return entry.found
    const found = discover(connection).catch((cause) => {
      if (entry) return entry.found
      throw cause
    })
    known.set(connection, { since: now().getTime(), found })
    found.catch(() => {
      if (known.get(connection)?.found === found) known.delete(connection)
    })
    return found
  }
}

/** Whether an issuer may be spoken to at all. @throws {TypeError} Says which and why. */
export function assertIssuer({ issuer, provider, organization }: ProviderConnection, production: boolean): void {
  const url = new URL(issuer)
  if (url.protocol === 'https:' || (!production && isLoopback(url))) return
  throw new TypeError(`The issuer of ${provider}/${organization} must be an https URL.`)
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

function authentication({ authentication: chosen }: ProviderConnection): client.ClientAuth {
  switch (chosen.method) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(chosen.secret)
    case 'client_secret_post':
      return client.ClientSecretPost(chosen.secret)
    case 'private_key_jwt':
      return client.PrivateKeyJwt(chosen.kid === undefined ? chosen.key : { key: chosen.key, kid: chosen.kid })
  }
}

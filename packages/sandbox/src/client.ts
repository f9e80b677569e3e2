import type { ClientMetadata, JWKS } from 'oidc-provider'
import type { ProviderDefinition } from './provider-definition.ts'

export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'

/** An application, or a sales unit of Vipps, that may send people here to log in. */
export interface SandboxClient {
  readonly clientId: string
  /** Shown on the login page. Default: `clientId`. */
  readonly name?: string
  /** Compared exactly. */
  readonly redirectUris: readonly string[]
  /** Needed for the two `client_secret_…` methods. */
  readonly clientSecret?: string
  /** Where the app of the provider opens ours in the flow `app_to_app` of Vipps; compared exactly. */
  readonly appCallbackUris?: readonly string[]
  /** Public keys, needed for `private_key_jwt` (not at Vipps). */
  readonly jwks?: JWKS
  /** Default: `private_key_jwt` when there are keys, else `client_secret_basic`. */
  readonly authentication?: ClientAuthentication
  /** Whether the client is eligible for national numbers (`nnin_altsub`, `nin`, `ssn`). Default `false`. */
  readonly nationalNumber?: boolean
  /** The `msn` of a Vipps sales unit. Default `000000`. */
  readonly merchantSerialNumber?: string
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof SandboxClient>([
  'clientId',
  'name',
  'redirectUris',
  'appCallbackUris',
  'clientSecret',
  'jwks',
  'authentication',
  'nationalNumber',
  'merchantSerialNumber',
])

/** @throws {TypeError} The client lacks something, or names what its provider does not offer. */
export function clientMetadata(client: SandboxClient, provider: ProviderDefinition): ClientMetadata {
  const { authentication = client.jwks ? 'private_key_jwt' : 'client_secret_basic' } = client
  const refuse = (problem: string): never => {
    throw new TypeError(`${provider.name} client ${client.clientId}: ${problem}`)
  }
  const unknown = Object.keys(client).find((name) => !OPTION_NAMES.has(name))
  if (unknown) refuse(`${unknown} is not an option`)
  if (client.redirectUris.length === 0) refuse('redirectUris is empty')
  if (client.redirectUris.some((uri) => /^[^:]+:\/*$/.test(uri))) refuse('a redirect URI has no path')
  if (!provider.clientAuthentication.includes(authentication)) refuse(`${authentication} is not offered`)
  if (authentication === 'private_key_jwt' && !client.jwks) refuse('jwks is missing')
  if (authentication !== 'private_key_jwt' && !client.clientSecret) refuse('clientSecret is missing')

  const native = client.redirectUris.some((uri) => !/^https?:/.test(uri))
  return {
    client_id: client.clientId,
    client_name: client.name ?? client.clientId,
    redirect_uris: [...client.redirectUris],
    token_endpoint_auth_method: authentication,
    ...(client.clientSecret === undefined ? {} : { client_secret: client.clientSecret }),
    ...(client.jwks === undefined ? {} : { jwks: client.jwks }),
    application_type: native ? 'native' : 'web',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    id_token_signed_response_alg: provider.signingKey.alg,
    scope: provider.scopes.filter((scope) => mayAskFor(scope, client, provider)).join(' '),
  }
}

function mayAskFor(scope: string, client: SandboxClient, { nationalNumberScope }: ProviderDefinition): boolean {
  return scope !== nationalNumberScope || client.nationalNumber === true
}

import type { ClientMetadata, JWKS } from 'oidc-provider'

/** An application, or a sales unit of Vipps, that may send people here to log in. */
export interface SandboxClient {
  readonly clientId: string
  /** Shown on the login page. Default: `clientId`. */
  readonly name?: string
  /** Compared exactly. */
  readonly redirectUris: readonly string[]
  /** Needed for the two `client_secret_…` methods. */
  readonly clientSecret?: string
  /** Public keys, needed for `private_key_jwt` (BankID only). */
  readonly jwks?: JWKS
  /** Default: `private_key_jwt` when there are keys, else `client_secret_basic`. */
  readonly authentication?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  /** Whether the client is eligible for national numbers (`nnin_altsub`, `nin`). Default `false`. */
  readonly nationalNumber?: boolean
  /** The `msn` of a Vipps sales unit. Default `000000`. */
  readonly merchantSerialNumber?: string
}

export function clientMetadata(client: SandboxClient, scope: string, alg: 'ES256' | 'RS256'): ClientMetadata {
  const { authentication = client.jwks ? 'private_key_jwt' : 'client_secret_basic' } = client
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
    id_token_signed_response_alg: alg,
    scope,
  }
}

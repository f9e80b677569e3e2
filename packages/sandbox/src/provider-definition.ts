import type { Configuration, JWK } from 'oidc-provider'
import type { ClientAuthentication, SandboxClient } from './client.ts'
import type { IdTokenRequest, Login } from './login/login.ts'
import type { Claims, ProviderKey, ProviderName } from './scenarios/scenario.ts'

/** Parameters of an authorization request, as far as the providers look at them. */
export interface AuthorizationRequest {
  readonly state?: string
  readonly nonce?: string
  readonly acr_values?: string
  readonly login_hint?: string
  readonly requested_flow?: string
  readonly app_callback_uri?: string
  readonly final_redirect_is_app?: string
  readonly market?: string
}

/** Who makes a request, and how. */
export interface RequestOrigin {
  readonly client: SandboxClient
  /** It came, or comes, by PAR (RFC 9126). */
  readonly pushed: boolean
  /** What this very request says of it, whatever was pushed before. */
  readonly responseType: unknown
}

/** What distinguishes one provider from the others. */
export interface ProviderDefinition {
  readonly name: ProviderName
  readonly issuer: string
  readonly signingKey: ProviderKey
  readonly jwk: JWK
  readonly scopes: readonly string[]
  readonly clientAuthentication: readonly ClientAuthentication[]
  /** The scope that only an eligible client may ask for; `null`: anyone may ask, and gets nothing. */
  readonly nationalNumberScope: string | null
  readonly configuration: Configuration
  readonly accessTokenSeconds: number
  readonly announcedAccessTokenSeconds: number
  readonly asksConsent: boolean
  /** Parameters of a request beside the standard ones. */
  readonly parameters?: readonly (keyof AuthorizationRequest)[]
  /** @throws {errors.OIDCProviderError} The request lacks what this provider requires, or has what it refuses. */
  readonly checkRequest: (request: AuthorizationRequest, origin: RequestOrigin) => void
  readonly discovery: (document: Record<string, unknown>) => Record<string, unknown>
  readonly callback: (url: string, scope: string | undefined) => string
  readonly idToken: (login: Login, request: IdTokenRequest) => Claims
  readonly userinfo: (login: Login) => Claims
}

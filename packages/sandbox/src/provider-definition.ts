import type { Configuration, JWK } from 'oidc-provider'
import type { ClientAuthentication } from './client.ts'
import type { IdTokenRequest, Login } from './login/login.ts'
import type { Claims, ProviderName, SigningKey } from './scenarios/scenario.ts'

/** Parameters of an authorization request, as far as the providers look at them. */
interface AuthorizationRequest {
  readonly state?: string
  readonly nonce?: string
}

/** What distinguishes one provider from the other. */
export interface ProviderDefinition {
  readonly name: ProviderName
  readonly issuer: string
  readonly signingKey: SigningKey
  readonly jwk: JWK
  readonly scopes: readonly string[]
  readonly clientAuthentication: readonly ClientAuthentication[]
  /** The scope that only an eligible client may ask for; `null`: anyone may ask, and gets nothing. */
  readonly nationalNumberScope: string | null
  readonly configuration: Configuration
  readonly accessTokenSeconds: number
  readonly announcedAccessTokenSeconds: number
  readonly asksConsent: boolean
  /** @throws {errors.InvalidRequest} The request lacks what this provider requires. */
  readonly checkRequest: (request: AuthorizationRequest) => void
  readonly discovery: (document: Record<string, unknown>) => Record<string, unknown>
  readonly callback: (url: string, scope: string | undefined) => string
  readonly idToken: (login: Login, request: IdTokenRequest) => Claims
  readonly userinfo: (login: Login) => Claims
}

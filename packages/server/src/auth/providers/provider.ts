import type { BeginLogin, Share } from '@nokkel/contract'

export type Provider = BeginLogin['provider']

/** How a provider knows our client. */
export type ClientAuthentication =
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly key: CryptoKey; readonly kid?: string }

/** One organisation's client at one provider. */
export interface ProviderConnection {
  readonly provider: Provider
  /** Slug of the organisation. */
  readonly organization: string
  /** Exactly as the provider writes it, with or without a final slash. */
  readonly issuer: string
  readonly clientId: string
  readonly authentication: ClientAuthentication
  /** Whether this client is allowed to ask for the personnummer. Default `false`. */
  readonly personnummer?: boolean
}

export type Claims = Readonly<Record<string, unknown>>

/** What distinguishes one provider from another. */
export interface ProviderDefinition {
  readonly id: Provider
  readonly scopes: readonly string[]
  /** What it tells of everybody: what the scopes above ask for. */
  readonly shares: readonly Exclude<Share, 'personnummer'>[]
  readonly personnummerScope: string
  readonly personnummerClaim: string
  /** Whether a personnummer from here may link accounts. */
  readonly verifiesPersonnummer: boolean
  /** The claim that stays the same for a person. */
  readonly subjectClaim: string
  /** Whether it is the same for every client of the provider, or means a person only together with the client. */
  readonly subjectScope: 'provider' | 'client'
  readonly signingAlgorithm: 'ES256' | 'RS256'
  readonly authorizationParameters: Readonly<Record<string, string>>
  /** Claims about the person come from userinfo, to be fetched at once. */
  readonly readsUserinfo: boolean
  readonly meetsAssurance: (acr: string | null) => boolean
  /** Repairs the query of a callback that the provider is documented to malform. */
  readonly repairCallback: (query: string) => string
}

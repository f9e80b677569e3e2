import type { Assurance, BeginLogin, LoginFlow, Share } from '@nokkel/contract'

export type Provider = BeginLogin['provider']

/** Who stands between us and a provider. */
export type Broker = 'idura' | 'signicat'

/** How a provider knows our client. */
export type ClientAuthentication =
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly key: CryptoKey; readonly kid?: string }

/** One organisation's client at one provider. */
export interface ProviderConnection {
  readonly provider: Provider
  /** The broker it goes by. Default: the provider itself. */
  readonly via?: Broker
  /** Slug of the organisation. */
  readonly organization: string
  /** Exactly as the provider writes it, with or without a final slash. */
  readonly issuer: string
  readonly clientId: string
  readonly authentication: ClientAuthentication
  /** Another one whenever anything here has changed; what is known of the provider is then asked for anew. */
  readonly revision?: string
  /** Whether this client is allowed to ask for the personnummer. Default `false`. */
  readonly personnummer?: boolean
  /** Vipps: whether everybody must confirm in the app, also in a browser that it remembers. Default `false`. */
  readonly confirmInApp?: boolean
  /** Where the provider sends the person back into our app: ends with `/callback/<provider>/<organization>`. */
  readonly appRedirectUri?: string
  /**
   * Where the app of the provider switches back to ours, before the login is finished. That of Vipps ends as
   * `appRedirectUri` does.
   */
  readonly appCallbackUri?: string
  /** Vipps: whose look the pages have. */
  readonly market?: 'NO' | 'DK' | 'FI' | 'SE'
}

export type Claims = Readonly<Record<string, unknown>>

/** What a login must prove. */
export interface Demand {
  readonly minimumAssurance: Assurance
  readonly confirmInApp: boolean
}

/** Where a flow returns to, and what it asks the provider for. */
export interface FlowRequest {
  readonly redirectUri: string
  readonly parameters: Readonly<Record<string, string>>
}

/** What distinguishes one provider from another, or from itself by way of a broker. */
export interface ProviderDefinition {
  readonly id: Provider
  readonly scopes: readonly string[]
  /** What it tells of everybody: what the scopes above ask for. */
  readonly shares: readonly Exclude<Share, 'personnummer'>[]
  readonly personnummerScope: string
  readonly personnummerClaim: string
  /** Whether a personnummer from here may link accounts. */
  readonly verifiesPersonnummer: boolean
  /** The claim that stays the same for a person, and the form it has. */
  readonly subjectClaim: string
  readonly subjectForm: RegExp
  /** What a subject means a person together with: a client, or {@link EVERY_CLIENT}. */
  readonly subjectOwner: (clientId: string) => string
  /** What must stand there, for the answer to be of this provider and not of another one the broker has. */
  readonly fixedClaims: Claims
  readonly signingAlgorithm: 'ES256' | 'RS256'
  /** Claims about the person come from userinfo, to be fetched at once. */
  readonly readsUserinfo: boolean
  readonly highestAssurance: Assurance
  /** Where the level that was reached stands. */
  readonly acrClaim: string
  readonly acrValues: (demand: Demand) => string | undefined
  readonly meetsDemand: (acr: string | null, demand: Demand) => boolean
  /** How else than in the browser one gets there; `undefined`: the connection lacks what it needs. */
  readonly flows: Partial<
    Record<LoginFlow, (connection: ProviderConnection, browserUri: string) => FlowRequest | undefined>
  >
  /** What is asked for in every flow. */
  readonly parametersOf: (connection: ProviderConnection) => Readonly<Record<string, string>>
  /** A `login_hint` that names the person; only where it can be pushed (RFC 9126). */
  readonly loginHint?: (personnummer: string) => string
  /** Repairs the query of a callback that the provider is documented to malform. */
  readonly repairCallback: (query: string) => string
}

/** Stands for the client where a subject is the same for all of them. */
export const EVERY_CLIENT = '*'

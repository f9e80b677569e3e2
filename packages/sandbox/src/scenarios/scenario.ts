import type { KeyObject } from 'node:crypto'
import type { Text } from '../person.ts'

/** The two providers of the sandbox. */
export type ProviderName = 'bankid' | 'vipps'

export type Claims = Record<string, unknown>

/** What the token endpoint is about to answer. */
interface TokenAnswer {
  status: number
  contentType: string
  body: unknown
}

/** What a scenario may need to know of the login it spoils. */
export interface ScenarioContext {
  readonly provider: ProviderName
  readonly issuer: string
  readonly delayMilliseconds: number
  readonly status: 500 | 503
  /** Resolves after the time given, or at once when the sandbox closes. */
  readonly wait: (milliseconds: number) => Promise<void>
}

/** The authorization code as the provider stores it. */
interface StoredCode {
  consume(): Promise<void>
  destroy(): Promise<void>
}

export interface SigningKey {
  readonly alg: 'ES256' | 'RS256'
  readonly kid: string
  readonly key: CryptoKey | KeyObject
}

/**
 * One way for a provider to misbehave. Every member is a place on the way of a login where it may interfere;
 * what is absent behaves.
 */
export interface Scenario {
  readonly title: Text
  /** The only providers it makes sense for. Absent: both. */
  readonly providers?: readonly ProviderName[]
  /** The person is sent back with this error and no code. */
  readonly refusal?: { readonly error: string; readonly description: string }
  /** The claims the provider leaves out wherever it would send them. */
  readonly withheldClaims?: readonly string[]
  readonly authorizationCode?: (code: StoredCode) => Promise<void>
  readonly callback?: (url: string, context: ScenarioContext) => string
  readonly idToken?: (claims: Claims, context: ScenarioContext) => Claims
  readonly signingKey?: (key: SigningKey) => Promise<SigningKey>
  readonly tokenAnswer?: (answer: TokenAnswer, context: ScenarioContext) => TokenAnswer | Promise<TokenAnswer>
  readonly userinfo?: (claims: Claims) => Claims
}

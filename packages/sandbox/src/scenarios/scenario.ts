import type { KeyObject } from 'node:crypto'
import type { Text } from '../person.ts'

/** The providers of the sandbox: the two, and the brokers that stand in for them. */
export type ProviderName = 'bankid' | 'vipps' | 'idura' | 'signicat'

export type Claims = Record<string, unknown>

/** What the token endpoint or userinfo is about to answer. */
export interface Answer {
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
  /** Which request for userinfo of this login it is, counted from 1; 0 elsewhere. */
  readonly request: number
  /** Resolves after the time given, or at once when the sandbox closes. */
  readonly wait: (milliseconds: number) => Promise<void>
  /** Closes the connection without an answer. */
  readonly hangUp: () => void
}

/** The authorization code as the provider stores it. */
interface StoredCode {
  consume(): Promise<void>
  destroy(): Promise<void>
}

interface SigningKey {
  readonly alg: 'ES256' | 'RS256'
  readonly kid: string
  readonly key: CryptoKey | KeyObject
}

/** A key that the provider itself has. */
export interface ProviderKey extends SigningKey {
  readonly key: KeyObject
}

type AnswerStep = (answer: Answer, context: ScenarioContext) => Answer | Promise<Answer>

/**
 * One way for a provider to misbehave. Every member is a place on the way of a login where it may interfere;
 * what is absent behaves.
 */
export interface Scenario {
  readonly title: Text
  /** The only providers it makes sense for. Absent: all. */
  readonly providers?: readonly ProviderName[]
  /** The person is sent back with this error and no code; with `scope`, only when that was asked for. */
  readonly refusal?: { readonly error: string; readonly description: string; readonly scope?: string }
  /** The claims the provider leaves out wherever it would send them. */
  readonly withheldClaims?: readonly string[]
  readonly authorizationCode?: (code: StoredCode) => Promise<void>
  readonly callback?: (url: string, context: ScenarioContext) => string
  /** The provider has a new key before it signs, and never uses or publishes the old one again. */
  readonly rotatesKey?: true
  readonly idToken?: (claims: Claims, context: ScenarioContext) => Claims
  readonly signingKey?: (key: SigningKey) => Promise<SigningKey>
  readonly tokenAnswer?: AnswerStep
  readonly userinfo?: (claims: Claims) => Claims
  readonly userinfoAnswer?: AnswerStep
}

import type { SandboxClient } from '../client.ts'
import type { Person } from '../person.ts'
import type { ChosenScenario } from '../scenarios/plan.ts'

/** What the login page decided; kept until the tokens have been fetched. */
export interface Attempt extends ChosenScenario {
  readonly person: Person
  readonly acrValues: readonly string[]
  readonly sessionId: string
}

/** All that the claims of a login are made of. */
export interface Login {
  readonly person: Person
  readonly client: SandboxClient
  readonly scopes: ReadonlySet<string>
  readonly acrValues: readonly string[]
  readonly sessionId: string
}

/** What belongs to one ID Token only. */
export interface IdTokenRequest {
  readonly issuer: string
  readonly nonce: string | undefined
  readonly accessToken: string
  /** Seconds since 1970. */
  readonly issuedAt: number
}

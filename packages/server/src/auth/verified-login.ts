import type { Assurance, PersonnummerOutcome } from '@nokkel/contract'
import type { Personnummer } from './personnummer.ts'
import type { Provider } from './providers/provider.ts'

/** What a provider says it has verified itself; `null` where it does not. */
export interface VerifiedContact {
  /** E.164. */
  readonly phoneNumber: string | null
  /** In lower case. */
  readonly email: string | null
  readonly address: {
    readonly street: string
    readonly postalCode: string
    readonly place: string
    /** ISO 3166-1 alpha-2. */
    readonly country: string
  } | null
}

/** A login as the provider vouches for it: everything that deciding whose it is needs, and nothing to ask the provider again. */
export interface VerifiedLogin {
  readonly provider: Provider
  /** What `subject` means a person together with: a client of the provider, or `*` where it is the same for all. */
  readonly client: string
  readonly subject: string
  readonly name: string
  readonly acr: string | null
  /** What it suffices for. */
  readonly assurance: Assurance
  readonly personnummer: Personnummer | null
  readonly personnummerOutcome: PersonnummerOutcome
  readonly contact: VerifiedContact | null
}

import type { ScenarioName } from './scenarios/index.ts'

/** A text in the two languages of every page. */
export interface Text {
  readonly nb: string
  readonly en: string
}

/** A postal address as Vipps describes one. */
export interface Address {
  readonly type: 'home' | 'work' | 'other'
  /** Floor or unit, if any, follows after a line feed. */
  readonly street: string
  readonly postalCode: string
  readonly region: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
}

/** A synthetic person who can log in. */
export interface Person {
  /** Stable name of the person in tests and seed data; lower case, digits and hyphens. */
  readonly id: string
  readonly givenName: string
  readonly familyName: string
  /** `YYYY-MM-DD`. */
  readonly birthDate: string
  /** Synthetic (month + 80). Absent: neither provider has it to give. */
  readonly nationalNumber?: string
  readonly gender: 'female' | 'male'
  /** Country code and number, digits only. */
  readonly phoneNumber: string
  readonly email: string
  /** Home first; up to three; may be empty. */
  readonly addresses: readonly Address[]
  /** What the person is for, shown in the list. */
  readonly role: Text
  /** Where the person belongs, shown in the list. */
  readonly organization?: string
  /** How the provider misbehaves whenever this person logs in. */
  readonly scenario?: ScenarioName
}

/** Given name and family name. */
export const fullName = (person: Person): string => `${person.givenName} ${person.familyName}`

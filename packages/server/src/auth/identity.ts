import type { Assurance } from '@nokkel/contract'
import { ServerError } from '../http/server-error.ts'
import { type Personnummer, parsePersonnummer } from './personnummer.ts'
import { assuranceOf } from './providers/assurance.ts'
import type { Claims, Demand, ProviderDefinition } from './providers/provider.ts'

/** Who logged in, as far as the provider vouches for it. */
export interface VerifiedIdentity {
  readonly subject: string
  readonly name: string
  readonly acr: string | null
  /** What the login suffices for. */
  readonly assurance: Assurance
  readonly personnummer: Personnummer | null
}

const nameMaximum = 200
const withoutName = '—'

interface IdentityOptions {
  readonly demand: Demand
  /** Whether the personnummer was asked for; what comes without that is not looked at. */
  readonly asksPersonnummer: boolean
  readonly allowSynthetic: boolean
}

/**
 * Reads the person from verified claims.
 *
 * @param claims - Of userinfo, and over them those of the ID Token.
 * @throws {ServerError} `login_assurance_too_low`; `login_token_invalid`: the claims name nobody, or are of another
 * provider.
 */
export function readIdentity(
  definition: ProviderDefinition,
  claims: Claims,
  { demand, asksPersonnummer, allowSynthetic }: IdentityOptions,
): VerifiedIdentity {
  for (const [name, value] of Object.entries(definition.fixedClaims)) {
    if (claims[name] !== value) throw new ServerError('login_token_invalid', { detail: name })
  }
  const level = claims[definition.acrClaim]
  const acr = typeof level === 'string' ? level : null
  if (!definition.meetsDemand(acr, demand)) throw new ServerError('login_assurance_too_low')
  const subject = claims[definition.subjectClaim]
  if (typeof subject !== 'string' || !definition.subjectForm.test(subject)) {
    throw new ServerError('login_token_invalid', { detail: definition.subjectClaim })
  }
  const personnummer =
    asksPersonnummer && definition.verifiesPersonnummer
      ? parsePersonnummer(claims[definition.personnummerClaim], allowSynthetic)
      : null
  return { subject, name: cleanName(claims.name), acr, assurance: assuranceOf(definition, acr), personnummer }
}

/** Without control and formatting characters, which could make one name look like another. */
export function cleanName(value: unknown): string {
  if (typeof value !== 'string') return withoutName
  const words = value
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Z}]+/gu, ' ')
    .trim()
  return [...words].slice(0, nameMaximum).join('').trim() || withoutName
}

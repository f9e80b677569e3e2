import { ServerError } from '../http/server-error.ts'
import { type Personnummer, parsePersonnummer } from './personnummer.ts'
import type { Claims, ProviderDefinition } from './providers/provider.ts'

/** Who logged in, as far as the provider vouches for it. */
export interface VerifiedIdentity {
  readonly subject: string
  readonly name: string
  readonly acr: string | null
  readonly personnummer: Personnummer | null
}

const nameMaximum = 200
const withoutName = '—'

/**
 * Reads the person from verified claims.
 *
 * @param claims - Of userinfo, and over them those of the ID Token.
 * @throws {ServerError} `login_assurance_too_low`; `login_token_invalid`: the claims name nobody.
 */
export function readIdentity(
  definition: ProviderDefinition,
  claims: Claims,
  options: { readonly allowSynthetic: boolean },
): VerifiedIdentity {
  const acr = typeof claims.acr === 'string' ? claims.acr : null
  if (!definition.meetsAssurance(acr)) throw new ServerError('login_assurance_too_low')
  const subject = claims[definition.subjectClaim]
  if (typeof subject !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(subject)) {
    throw new ServerError('login_token_invalid', { detail: definition.subjectClaim })
  }
  const personnummer = definition.verifiesPersonnummer
    ? parsePersonnummer(claims[definition.personnummerClaim], options.allowSynthetic)
    : null
  return { subject, name: cleanName(claims.name), acr, personnummer }
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

import type { Share } from '@nokkel/contract'
import type { Claims } from './providers/provider.ts'
import type { VerifiedContact } from './verified-login.ts'

/**
 * Reads how a person can be reached, from claims of a provider that vouches for them.
 *
 * @param shares - What the person agreed to; nothing else is read.
 * @returns `null` where there is nothing.
 */
export function readContact(claims: Claims, shares: readonly string[]): VerifiedContact | null {
  const agreed = (share: Share) => shares.includes(share)
  const contact = {
    phoneNumber: agreed('phoneNumber') ? readPhoneNumber(claims) : null,
    email: agreed('email') ? readEmail(claims) : null,
    address: agreed('address') ? readAddress(claims.address) : null,
  }
  return Object.values(contact).some((value) => value !== null) ? contact : null
}

/** Vipps writes the country code first, without a plus sign. */
function readPhoneNumber({ phone_number: number, phone_number_verified: verified }: Claims): string | null {
  if (verified !== true || typeof number !== 'string') return null
  const digits = number.replace(/^\+/, '')
  // Norway and Denmark have eight digits; elsewhere at most what E.164 allows.
  return /^(?:4[57]\d{8}|(?!4[57])[1-9]\d{7,14})$/.test(digits) ? `+${digits}` : null
}

function readEmail({ email, email_verified: verified }: Claims): string | null {
  if (verified !== true || typeof email !== 'string') return null
  const address = email.normalize('NFC').toLowerCase()
  return address.length <= 254 && /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]+\.[^\s@\p{C}]+$/u.test(address) ? address : null
}

const streetMaximum = 200
const postalCodeMaximum = 20
const placeMaximum = 100

/** Somebody without an address comes with one of empty texts. Unit and floor stand on a line of their own. */
function readAddress(address: unknown): VerifiedContact['address'] {
  if (typeof address !== 'object' || address === null) return null
  const { street_address, postal_code, region, country } = address as Claims
  const lines = typeof street_address === 'string' ? street_address.split(/[\r\n]+/) : []
  const street = lines.map((line) => oneLine(line, streetMaximum)).filter((line) => line !== '')
  const cleaned = {
    street: oneLine(street.join(', '), streetMaximum),
    postalCode: oneLine(postal_code, postalCodeMaximum),
    place: oneLine(region, placeMaximum),
    country: typeof country === 'string' ? country.toUpperCase() : '',
  }
  const isSomewhere = cleaned.street !== '' || cleaned.postalCode !== '' || cleaned.place !== ''
  return isSomewhere && /^[A-Z]{2}$/.test(cleaned.country) ? cleaned : null
}

/** Without characters that are not seen or that change direction. */
function oneLine(value: unknown, maximum: number): string {
  if (typeof value !== 'string') return ''
  const text = value
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
  return [...text].slice(0, maximum).join('').trim()
}

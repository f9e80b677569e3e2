import type { Share } from '@nokkel/contract'
import type { VerifiedContact } from '../auth/verified-login.ts'

/** What an administrator sees of it: enough to recognise what they know, and too little to learn it. */
export interface MaskedContact {
  readonly phoneNumber: string | null
  readonly email: string | null
}

/** @param shares - What the person has agreed to share with the organisation of the administrator. */
export function maskContact(contact: VerifiedContact | null, shares: readonly Share[]): MaskedContact {
  const { phoneNumber, email } = contact ?? {}
  return {
    phoneNumber: phoneNumber && shares.includes('phoneNumber') ? `•••• ••${phoneNumber.slice(-2)}` : null,
    email: email && shares.includes('email') ? maskEmail(email) : null,
  }
}

function maskEmail(email: string): string {
  const at = email.lastIndexOf('@')
  const [first = ''] = email
  return `${first}•••${email.slice(at)}`
}

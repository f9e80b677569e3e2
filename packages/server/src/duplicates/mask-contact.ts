import type { VerifiedContact } from '../auth/verified-login.ts'

/** What an administrator sees of it: enough to recognise what they know, and too little to learn it. */
export interface MaskedContact {
  readonly phoneNumber: string | null
  readonly email: string | null
}

export function maskContact(contact: VerifiedContact | null): MaskedContact {
  return {
    phoneNumber: contact?.phoneNumber ? `•••• ••${contact.phoneNumber.slice(-2)}` : null,
    email: contact?.email ? maskEmail(contact.email) : null,
  }
}

function maskEmail(email: string): string {
  const at = email.lastIndexOf('@')
  const [first = ''] = email
  return `${first}•••${email.slice(at)}`
}

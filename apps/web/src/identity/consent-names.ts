import type { Consent } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

export const purposeName: Record<Consent['purpose'], () => string> = {
  contact: m.cons_contact,
  recognition: m.cons_recognition,
  personnummer: m.cons_personnummer,
}

export const basisName: Record<Consent['legalBasis'], () => string> = {
  'gdpr-6-1-a': m.cons_basis_a,
  'gdpr-6-1-a+popplyl-12': m.cons_basis_a_12,
}

export const shareName: Record<Consent['shares'][number], () => string> = {
  name: m.cons_name,
  birthDate: m.cons_birth_date,
  phoneNumber: m.cons_phone_number,
  email: m.cons_email,
  address: m.cons_address,
  personnummer: m.cons_what_personnummer,
}

/** What is held by it: for recognition not what was shared, but a code of it. */
export const whatOf = ({ purpose, shares }: Consent): string =>
  purpose === 'recognition'
    ? m.cons_what_recognition()
    : purpose === 'personnummer'
      ? m.cons_what_personnummer()
      : shares.map((share) => shareName[share]()).join(', ')

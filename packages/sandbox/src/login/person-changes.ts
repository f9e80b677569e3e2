import type { Person } from '../person.ts'

/** What can be another than the person's own in one login. */
export const changeable = ['phoneNumber', 'email', 'nationalNumber'] as const

/** Details of a person in one login; `null`: there are none. */
export interface PersonChanges {
  /** Country code and number, 8 to 15 digits. */
  readonly phoneNumber?: string | undefined
  readonly email?: string | undefined
  /** 11 digits, not checked: a D-number, that of somebody else, a wrong one. */
  readonly nationalNumber?: string | null | undefined
}

const FORMS: Readonly<Record<(typeof changeable)[number], RegExp>> = {
  phoneNumber: /^\d{8,15}$/,
  email: /^[^\s@]+@[^\s@]+$/,
  nationalNumber: /^(?:\d{11}|-)$/,
}

/** The fields of the form that say so; the reverse of {@link changePerson}. */
export function changeFields({ phoneNumber, email, nationalNumber }: PersonChanges): Record<string, string> {
  return {
    ...(phoneNumber === undefined ? {} : { phoneNumber }),
    ...(email === undefined ? {} : { email }),
    ...(nationalNumber === undefined ? {} : { nationalNumber: nationalNumber ?? '-' }),
  }
}

/** The person as this login shows them; `null` when a field is not of its form. */
export function changePerson(person: Person, form: URLSearchParams): Person | null {
  let changed = person
  for (const name of changeable) {
    const value = form.get(name)
    if (!value) continue
    if (!FORMS[name].test(value)) return null
    if (value === '-') {
      const { nationalNumber: _, ...others } = changed
      changed = others
    } else {
      changed = { ...changed, [name]: value }
    }
  }
  return changed
}

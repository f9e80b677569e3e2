import { describe, expect, it } from 'vitest'
import type { BlindIndex } from './blind-index.ts'
import { makeLoginRecord } from './login-record.ts'
import type { Attempt } from './store.ts'
import type { VerifiedContact, VerifiedLogin } from './verified-login.ts'

const blindIndex = {
  keyId: async () => 'key',
  index: async (field: string, value: string) => new TextEncoder().encode(`${field} ${value}`),
  previous: async () => null,
} as unknown as BlindIndex
const attempt = { organizationId: 'o', consentVersion: 'v1', consentShares: ['name', 'address'] } as unknown as Attempt
const address = { street: '', postalCode: '', place: 'Oslo', country: 'NO' }
const nothing: VerifiedContact = { phoneNumber: null, email: null, address: null }

describe('what the database is told of a login', () => {
  it.each<[string, VerifiedContact | null, string | null]>([
    ['nothing', null, null],
    ['an address alone, as Vipps by Idura', { ...nothing, address }, null],
    ['a phone number', { ...nothing, phoneNumber: '+4747000001' }, 'key'],
    ['an e-mail address', { ...nothing, email: 'kari@example.no' }, 'key'],
  ])('with %s leaves indexes of phone and e-mail alone, unless one was verified', async (_what, contact, key) => {
    const login = { personnummer: null, personnummerOutcome: 'not_asked', contact } as unknown as VerifiedLogin
    const record = await makeLoginRecord(login, attempt, blindIndex)
    expect(record.contact_index_key).toBe(key)
    expect([record.phone_index, record.email_index].some((index) => index !== null)).toBe(key !== null)
  })
})

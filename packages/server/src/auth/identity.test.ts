import { describe, expect, it } from 'vitest'
import { cleanName, readIdentity } from './identity.ts'
import { bankid } from './providers/bankid.ts'
import { vipps } from './providers/vipps.ts'

describe('identity', () => {
  const claims = { sub: 'a', bankid_altsub: '9578-6000-4-1', acr: 'urn:bankid:bid;LOA=4', name: 'Kari Nordmann' }

  it('takes the stable subject of each provider', () => {
    expect(readIdentity(bankid, claims, { allowSynthetic: true }).subject).toBe('9578-6000-4-1')
    expect(readIdentity(vipps, claims, { allowSynthetic: true }).subject).toBe('a')
  })

  it.each([undefined, '', 'with space', 'x'.repeat(256), 7])('refuses the subject %j', (bankid_altsub) => {
    expect(() => readIdentity(bankid, { ...claims, bankid_altsub }, { allowSynthetic: true })).toThrow(
      expect.objectContaining({ code: 'login_token_invalid' }),
    )
  })

  it.each([undefined, null, 'urn:bankid:bis;LOA=3', 'urn:bankid:bid;LOA=4 ', ['urn:bankid:bid;LOA=4']])(
    'refuses a BankID login at %j',
    (acr) => {
      expect(() => readIdentity(bankid, { ...claims, acr }, { allowSynthetic: true })).toThrow(
        expect.objectContaining({ code: 'login_assurance_too_low' }),
      )
    },
  )

  it.each([
    ['Kari Nordmann', 'Kari Nordmann'],
    ['  Kari\u00a0\t Nordmann\u200b ', 'Kari Nordmann'],
    ['Ka\u202eri\0', 'Ka ri'],
    ['A\u030asa \ud800', 'Åsa \ufffd'],
    ['ø'.repeat(300), 'ø'.repeat(200)],
    [' ', '—'],
    [undefined, '—'],
  ])('cleans the name %j', (value, expected) => {
    expect(cleanName(value)).toBe(expected)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readContact } from './contact.ts'

const shares = ['name', 'phoneNumber', 'email', 'address']
const address = {
  address_type: 'home',
  country: 'NO',
  formatted: 'Robert Levins gate 5\n0154\nOSLO\nNO',
  postal_code: '0154',
  region: 'OSLO',
  street_address: 'Robert Levins gate 5',
}
const claims = {
  phone_number: '4748571123',
  phone_number_verified: true,
  email: 'Kari.Nordmann@Example.NO',
  email_verified: true,
  address,
}
const read = (changes: Record<string, unknown>) => readContact({ ...claims, ...changes }, shares)
const readAddress = (changes: Record<string, unknown>) => read({ address: { ...address, ...changes } })?.address

describe('contact', () => {
  it('is cleaned', () => {
    expect(readContact(claims, shares)).toEqual({
      phoneNumber: '+4748571123',
      email: 'kari.nordmann@example.no',
      address: { street: 'Robert Levins gate 5', postalCode: '0154', place: 'OSLO', country: 'NO' },
    })
  })

  it('is what the person agreed to', () => {
    expect(readContact(claims, ['name', 'email'])).toEqual({
      phoneNumber: null,
      email: 'kari.nordmann@example.no',
      address: null,
    })
    expect(readContact(claims, ['name', 'birthDate', 'personnummer'])).toBeNull()
  })

  it('is nothing where the provider says nothing', () => {
    expect(readContact({}, shares)).toBeNull()
  })

  it.each([false, 'true', 1, undefined])('has no phone number or e-mail that is verified as %j', (verified) => {
    const contact = read({ phone_number_verified: verified, email_verified: verified })
    expect(contact).toMatchObject({ phoneNumber: null, email: null })
  })

  it.each([
    ['4748571123', '+4748571123'],
    ['+4748571123', '+4748571123'],
    ['4512345678', '+4512345678'],
    ['358401234567', '+358401234567'],
    ['46701234567', '+46701234567'],
    ['123456789012345', '+123456789012345'],
    ['48571123', '+48571123'],
  ])('writes %s as %s', (phone_number, expected) => {
    expect(read({ phone_number })?.phoneNumber).toBe(expected)
  })

  it.each([
    '474857112',
    '47485711234',
    '451234567',
    '0048571123',
    '1234567',
    '1234567890123456',
    '47 48571123',
    '4748571123\n',
    '++4748571123',
    '٤٧٤٨٥٧١١٢٣',
    '',
    4748571123,
    null,
    undefined,
  ])('takes %j for no phone number', (phone_number) => {
    expect(read({ phone_number })?.phoneNumber).toBeNull()
  })

  it.each([
    ['KARI@EXAMPLE.NO', 'kari@example.no'],
    ['o\u0301@example.no', 'ó@example.no'],
    ['kari+vipps@sub.example.no', 'kari+vipps@sub.example.no'],
  ])('writes %s as %s', (email, expected) => {
    expect(read({ email })?.email).toBe(expected)
  })

  it.each([
    '',
    'kari',
    'kari@localhost',
    'kari@@example.no',
    'kari nordmann@example.no',
    'kari@example.no\n',
    'kari\u202e@example.no',
    `${'x'.repeat(65)}@example.no`,
    `kari@${'x'.repeat(260)}.no`,
    '@example.no',
    ['kari@example.no'],
    undefined,
  ])('takes %j for no e-mail address', (email) => {
    expect(read({ email })?.email).toBeNull()
  })

  it('has no address where Vipps sends one of empty texts', () => {
    const empty = Object.fromEntries(Object.keys(address).map((name) => [name, '']))
    expect(read({ address: empty })?.address).toBeNull()
    expect(readAddress({ street_address: ' ', postal_code: '\n', region: '\u200b' })).toBeNull()
  })

  it.each([
    ['Storgata 1\nH0201', 'Storgata 1, H0201'],
    ['Storgata 1\r\n\r\n  H0201 \n', 'Storgata 1, H0201'],
    ['Stor\u0000ga\u202eta\t1', 'Stor ga ta 1'],
    ['ø'.repeat(500), 'ø'.repeat(200)],
    [undefined, ''],
    [7, ''],
  ])('writes the street %j on one line', (street_address, expected) => {
    expect(readAddress({ street_address })?.street).toBe(expected)
  })

  it('bounds what it keeps', () => {
    const kept = readAddress({ postal_code: '1'.repeat(99), region: 'x'.repeat(999) })
    expect(kept?.postalCode).toHaveLength(20)
    expect(kept?.place).toHaveLength(100)
  })

  it.each(['', 'NOR', 'N', 'N0', 'ΝΟ', undefined, 47, ['NO']])('knows no country %j, and so no address', (country) => {
    expect(readAddress({ country })).toBeNull()
  })

  it('writes a country in capitals', () => {
    expect(readAddress({ country: 'dk' })?.country).toBe('DK')
  })

  it.each([undefined, null, 'Storgata 1', 7, []])('takes %j for no address', (other) => {
    expect(read({ address: other })?.address).toBeNull()
  })

  it('never throws, and lets no control character through', () => {
    const anything = fc.dictionary(fc.constantFrom(...Object.keys(claims)), fc.anything())
    fc.assert(
      fc.property(anything, fc.string({ unit: 'binary' }), (changes, text) => {
        const contact = readContact(
          { ...changes, address: { ...address, street_address: text, region: text, postal_code: text } },
          shares,
        )
        expect(Object.values(contact?.address ?? {}).join('')).not.toMatch(/[\p{Cc}\p{Cf}\n]/u)
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { explainFault, personnummerOf } from './wrong-personnummer.ts'

describe('what is wrong with a number', () => {
  it.each([
    ['length', '', 'Skriv inn nummeret først.'],
    ['length', '1234567890', 'Det mangler 1 siffer. Nummeret har 11.'],
    ['length', '1234', 'Det mangler 7 sifre. Nummeret har 11.'],
    ['length', '123456789012', 'Det er 1 siffer for mye. Nummeret har 11.'],
    ['characters', '12345678x', 'Bruk bare sifre. Mellomrom går bra.'],
  ] as const)('is said without repeating it: %s of %j', (fault, personnummer, said) => {
    expect(explainFault(fault, personnummer)).toBe(said)
  })

  it('is not what people put between the digits', () => {
    expect(personnummerOf(' 010190-123\u00a045 ')).toBe('01019012345')
  })
})

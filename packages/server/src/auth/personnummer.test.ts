import { syntheticNationalNumber } from '@nokkel/sandbox'
import { describe, expect, it } from 'vitest'
import { parsePersonnummer } from './personnummer.ts'

const madeUp = syntheticNationalNumber('1988-11-02')

describe('personnummer', () => {
  it('takes the numbers of made-up people only where that is allowed', () => {
    expect(parsePersonnummer(madeUp, true)).toBe(madeUp)
    expect(parsePersonnummer(madeUp, false)).toBeNull()
  })

  it.each([
    ['wrong check digits', `${madeUp.slice(0, 10)}${(Number(madeUp[10]) + 1) % 10}`],
    ['no date', '99999999999'],
    ['too short', madeUp.slice(1)],
    ['spaces', ` ${madeUp}`],
    ['other digits', madeUp.replace(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit)))],
    ['a number', Number(madeUp)],
    ['nothing', undefined],
  ])('does not take %s', (_, value) => {
    expect(parsePersonnummer(value, true)).toBeNull()
  })

  it('does not take what only looks like another month counted from 40', () => {
    expect(parsePersonnummer('02518800000', true)).toBeNull()
  })

  const firstWeights = [3, 7, 6, 1, 8, 9, 4, 5, 2]
  const secondWeights = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]
  const sumOf = (digits: string, weights: readonly number[]) =>
    weights.reduce((sum, weight, at) => sum + weight * Number(digits[at]), 0)
  /** Numbers of that day with a first check digit of that remainder, which no real person need have. */
  function* numbersOf(date: string, remainder: number): Generator<string> {
    for (let serial = 0; serial < 1000; serial++) {
      const nine = `${date}${String(serial).padStart(3, '0')}`
      const first = (22 + remainder - (sumOf(nine, firstWeights) % 11)) % 11
      const second = (11 - (sumOf(`${nine}${first}`, secondWeights) % 11)) % 11
      if (first < 10 && second < 10) yield `${nine}${first}${second}`
    }
  }
  const numberOf = (date: string, remainder = 0) => numbersOf(date, remainder).next().value as string

  // [name, date, in production, in development]
  it.each([
    ['a fødselsnummer', '021188', true, true],
    ['a D-number', '421188', true, true],
    ['a number of a made-up person', '029188', false, true],
    ['a D-number of a made-up person', '429188', false, true],
    ['an H-number, or a test number of Nav', '025188', false, false],
    ['a D-number with the month of an H-number', '425188', false, false],
    ['an FH-number', '821188', false, false],
    ['an FH-number', '931188', false, false],
    ['the 30th of February', '300288', false, false],
    ['the 29th of February of no leap year', '290289', false, false],
    ['a month 13', '021388', false, false],
    ['a month 0', '020088', false, false],
    ['a day 0', '000188', false, false],
    ['month + 65', '026588', false, false],
  ])('is, or is not, %s', (_what, date, inProduction, inDevelopment) => {
    const number = numberOf(date)
    expect(number).toMatch(/^\d{11}$/)
    expect([parsePersonnummer(number, false), parsePersonnummer(number, true)]).toEqual([
      inProduction ? number : null,
      inDevelopment ? number : null,
    ])
  })

  it.each([0, 1, 2, 3])('may have a first check digit with the remainder %i, as from 2032 on', (remainder) => {
    for (const date of ['021188', '421188', '010132']) {
      const number = numberOf(date, remainder)
      expect(parsePersonnummer(number, false)).toBe(number)
    }
  })

  it.each([4, 5, 6, 7, 8, 9, 10])('has no first check digit with the remainder %i', (remainder) => {
    for (const number of numbersOf('021188', remainder)) expect(parsePersonnummer(number, true)).toBeNull()
  })

  it('is not one with any one digit changed', () => {
    const number = numberOf('021188')
    for (let at = 0; at < 11; at++) {
      const digit = (Number(number[at]) + 1) % 10
      const changed = `${number.slice(0, at)}${digit}${number.slice(at + 1)}`
      expect(parsePersonnummer(changed, true), String(at)).toBeNull()
    }
  })

  it('tells neither gender nor century', () => {
    const numbers = [...numbersOf('021188', 0)]
    for (const number of numbers) expect(parsePersonnummer(number, false)).toBe(number)
    expect(new Set(numbers.map((number) => number[8])).size).toBe(10)
    expect(new Set(numbers.map((number) => number[6])).size).toBe(10)
  })
})

import { syntheticDNumber, syntheticNationalNumber } from '@nokkel/sandbox'
import { describe, expect, it } from 'vitest'
import { faultOf } from './personnummer.ts'

const madeUp = syntheticNationalNumber('1988-11-02')
const withCheckDigits = (start: string) =>
  Array.from({ length: 100 }, (_, end) => `${start}${String(end).padStart(2, '0')}`).filter(
    (number) => faultOf(number) === null,
  )

describe('what was typed as a personnummer', () => {
  it.each([
    ['a made-up number', madeUp],
    ['a made-up D-number', syntheticDNumber('1988-11-02')],
    ['the 29th of February in a leap year', syntheticNationalNumber('2004-02-29')],
    // Of the BankID test users, and of the rules from 2032.
    ['one of a test user of BankID', '16879826555'],
  ])('may be %s', (_, number) => {
    expect(faultOf(number)).toBeNull()
  })

  it.each([
    ['length', ''],
    ['length', madeUp.slice(1)],
    ['length', `${madeUp}0`],
    ['characters', ` ${madeUp}`],
    ['characters', `${madeUp.slice(0, 6)} ${madeUp.slice(6)}`],
    ['characters', madeUp.replace(/\d/g, (digit) => String.fromCharCode(0x660 + Number(digit)))],
    ['characters', `${madeUp}\n`],
    ['date', '99999999999'],
    ['date', '00000000000'],
    ['date', '02518800000'],
    ['date', '30020400000'],
    ['date', '29020300000'],
    ['date', '80010100000'],
    ['date', '31060100000'],
    ['check_digits', `${madeUp.slice(0, 10)}${(Number(madeUp[10]) + 1) % 10}`],
    ['check_digits', `${madeUp.slice(0, 9)}${(Number(madeUp[9]) + 5) % 10}${madeUp[10]}`],
  ])('is wrong by its %s: %j', (fault, number) => {
    expect(faultOf(number)).toBe(fault)
  })

  it('has up to four pairs of check digits by the rules from 2032', () => {
    const counts = Array.from({ length: 500 }, (_, serial) =>
      withCheckDigits(`010101${String(serial).padStart(3, '0')}`),
    )
    expect(Math.max(...counts.map(({ length }) => length))).toBe(4)
    expect(counts.flat().length).toBeGreaterThan(1000)
  })

  it('is wrong after any one digit is mistyped', () => {
    const wrong = [...madeUp].flatMap((digit, index) =>
      Array.from({ length: 10 }, (_, other) => String(other))
        .filter((other) => other !== digit)
        .map((other) => `${madeUp.slice(0, index)}${other}${madeUp.slice(index + 1)}`),
    )
    expect(wrong).toHaveLength(99)
    // The second check digit catches every one of them.
    expect(wrong.filter((number) => faultOf(number) === null)).toEqual([])
  })
})

import { idnr } from '@navikt/fnrvalidator'
import { expect, test } from 'vitest'
import { syntheticNationalNumber } from './national-number.ts'

test('begins with the date, month + 80, and is valid as a Tenor number only', () => {
  const number = syntheticNationalNumber('1984-03-17')
  expect(number).toMatch(/^178384[0-4]\d{4}$/)
  expect(idnr(number)).toEqual({ status: 'valid', type: 'tnr' })
})

test('a person born in this century has an individual number from 500', () => {
  expect(syntheticNationalNumber('2003-02-06')).toMatch(/^068203[5-9]\d{4}$/)
})

test('numbers of one day differ by serial, and all are valid', () => {
  const numbers = Array.from({ length: 50 }, (_, serial) => syntheticNationalNumber('1990-12-31', serial))
  expect(new Set(numbers).size).toBe(50)
  for (const number of numbers) expect(idnr(number)).toEqual({ status: 'valid', type: 'tnr' })
})

test.each(['', '1984-3-17', '1984-13-01', '1984-00-10', '1899-01-01', '2040-01-01', '19840317'])(
  'refuses the date %j',
  (date) => expect(() => syntheticNationalNumber(date)).toThrow(RangeError),
)

test('refuses a serial past the last number of the day', () => {
  expect(() => syntheticNationalNumber('1990-12-31', 500)).toThrow(RangeError)
})

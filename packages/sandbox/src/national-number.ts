const FIRST_WEIGHTS = [3, 7, 6, 1, 8, 9, 4, 5, 2]
const SECOND_WEIGHTS = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]

/**
 * Computes a synthetic national number as Tenor (Test-Norge) makes them: month + 80, valid check digits.
 * No living person can have one.
 *
 * @param birthDate - `YYYY-MM-DD`, from 1900 to 2039.
 * @param serial - Which of the valid numbers of that day, counted from 0. Default 0.
 * @returns 11 digits.
 *
 * @throws {RangeError} `birthDate` is not such a date, or that day has no number with that serial.
 *
 * @example
 * ```ts
 * import { syntheticNationalNumber } from '@nokkel/sandbox'
 *
 * const number = syntheticNationalNumber('1984-03-17') // begins with 178384
 * ```
 */
export function syntheticNationalNumber(birthDate: string, serial = 0): string {
  return numberOf(birthDate, serial, 0)
}

/**
 * Computes a synthetic D-number, as people without a national number have: day + 40, month + 80, valid check digits.
 *
 * @param birthDate - `YYYY-MM-DD`, from 1900 to 2039.
 * @param serial - Which of the valid numbers of that day, counted from 0. Default 0.
 * @returns 11 digits.
 *
 * @throws {RangeError} `birthDate` is not such a date, or that day has no number with that serial.
 *
 * @example
 * ```ts
 * import { syntheticDNumber } from '@nokkel/sandbox'
 *
 * const number = syntheticDNumber('1984-03-17') // begins with 578384
 * ```
 */
export function syntheticDNumber(birthDate: string, serial = 0): string {
  return numberOf(birthDate, serial, 40)
}

function numberOf(birthDate: string, serial: number, addedToDay: number): string {
  const match = /^(19|20)(\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.exec(birthDate)
  const [, century, year, month, day] = match ?? []
  if (!century || !year || !month || !day || (century === '20' && Number(year) > 39)) {
    throw new RangeError('birthDate must be YYYY-MM-DD between 1900 and 2039')
  }
  const date = `${String(Number(day) + addedToDay).padStart(2, '0')}${Number(month) + 80}${year}`
  const first = century === '19' ? 0 : 500
  let remaining = serial
  for (let individual = first; individual < first + 500; individual += 1) {
    const number = withCheckDigits(`${date}${String(individual).padStart(3, '0')}`)
    if (number !== null && remaining-- === 0) return number
  }
  throw new RangeError('serial is past the last valid number of that day')
}

function withCheckDigits(nineDigits: string): string | null {
  const first = checkDigit(nineDigits, FIRST_WEIGHTS)
  if (first === 10) return null
  const second = checkDigit(`${nineDigits}${first}`, SECOND_WEIGHTS)
  return second === 10 ? null : `${nineDigits}${first}${second}`
}

function checkDigit(digits: string, weights: readonly number[]): number {
  const sum = weights.reduce((total, weight, index) => total + weight * Number(digits[index]), 0)
  return (11 - (sum % 11)) % 11
}

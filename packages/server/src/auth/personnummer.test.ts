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
})

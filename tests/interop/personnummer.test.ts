import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultOf } from '../../packages/client/src/identity/personnummer.ts'
import { parsePersonnummer } from '../../packages/server/src/auth/personnummer.ts'

const isGood = (number: string) => faultOf(number) === null
const pad = (value: number, digits: number) => String(value).padStart(digits, '0')

describe('client and server', () => {
  it('agree on what is a personnummer, synthetic ones included', () => {
    let good = 0
    fc.assert(
      fc.property(fc.nat(79), fc.nat(99), fc.nat(99), fc.nat(999), (day, month, year, serial) => {
        for (let end = 0; end < 100; end++) {
          const number = `${pad(day, 2)}${pad(month, 2)}${pad(year, 2)}${pad(serial, 3)}${pad(end, 2)}`
          expect(isGood(number)).toBe(parsePersonnummer(number, true) !== null)
          if (isGood(number)) good += 1
        }
      }),
      { numRuns: 1500 },
    )
    expect(good).toBeGreaterThan(100)
  })

  it.each(['', '1', '0101017000', '010101700000', '0101 170000', 'abcdefghijk', '٠١٠١٠١٧٠٠٠٠'])(
    'both refuse %j',
    (text) => {
      expect([isGood(text), parsePersonnummer(text, true)]).toEqual([false, null])
    },
  )
})

import { syntheticNationalNumber } from '@nokkel/sandbox'
import { describe, expect, it } from 'vitest'
import { createPersonnummerIndex, type Personnummer, parsePersonnummer } from './personnummer.ts'

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

  it('gives equal numbers the same index under one key, and another under another', async () => {
    const [one, other] = [1, 2].map((byte) => createPersonnummerIndex(new Uint8Array(32).fill(byte)).index)
    const first = await one?.(madeUp as Personnummer)
    expect(first?.index).toHaveLength(32)
    expect(await one?.(madeUp as Personnummer)).toEqual(first)
    expect(await one?.(syntheticNationalNumber('1988-11-03') as Personnummer)).not.toEqual(first)
    const second = await other?.(madeUp as Personnummer)
    expect(second?.index).not.toEqual(first?.index)
    expect(second?.keyId).not.toBe(first?.keyId)
  })

  it('needs an index key of 32 bytes', () => {
    expect(() => createPersonnummerIndex(new Uint8Array(31))).toThrow(TypeError)
  })
})

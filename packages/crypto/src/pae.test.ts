import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/encodings.json' with { type: 'json' }
import { encodePae } from './pae.ts'
import { fromText, toHex } from './testing/bytes.ts'

describe('PAE', () => {
  it.each([
    [[], '0000000000000000'],
    [[''], '01000000000000000000000000000000'],
    [['test'], '0100000000000000040000000000000074657374'],
  ])('joins %j as PASETO does', (parts, hex) => {
    expect(toHex(encodePae(...parts))).toBe(hex)
  })

  it.each(vectors.pae)('$parts', ({ parts, hex }) => {
    expect(toHex(encodePae(...parts))).toBe(hex)
    expect(toHex(encodePae(...parts.map(fromText)))).toBe(hex)
  })

  it('gives different bytes for different lists', () => {
    const lists = fc.array(
      fc.string({ maxLength: 4 }).filter((text) => text.isWellFormed()),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(lists, lists, (a, b) => {
        const equal = JSON.stringify(a) === JSON.stringify(b)
        expect(toHex(encodePae(...a)) === toHex(encodePae(...b))).toBe(equal)
      }),
    )
  })

  it('refuses a lone surrogate and what is neither text nor bytes', () => {
    expect(() => encodePae('\ud800')).toThrow(TypeError)
    expect(() => encodePae(1 as never)).toThrow('parts[0]')
  })
})

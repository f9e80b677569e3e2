import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/encodings.json' with { type: 'json' }
import { parseHeader } from './header.ts'
import { fromHex } from './testing/bytes.ts'

describe('header', () => {
  it.each(vectors.header)('reads $hex', ({ hex, header }) => {
    expect(parseHeader(fromHex(hex))).toEqual(header)
    expect(parseHeader(fromHex(`${hex}0000`))).toEqual(header)
  })

  it.each(vectors.headerInvalid)('is not %j', (hex) => {
    expect(parseHeader(fromHex(hex))).toBeNull()
  })

  it('refuses what is not bytes', () => {
    expect(() => parseHeader('NK' as never)).toThrow(TypeError)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/encodings.json' with { type: 'json' }
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { fromHex, fromText, patternOf } from './testing/bytes.ts'

describe('base64url', () => {
  it.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('encodes %j of RFC 4648 §10 as %j', (plain, text) => {
    expect(encodeBase64Url(fromText(plain))).toBe(text)
    expect(decodeBase64Url(text)).toEqual(fromText(plain))
  })

  it.each(vectors.base64url)('$text is $hex', ({ hex, text }) => {
    expect(encodeBase64Url(fromHex(hex))).toBe(text)
    expect(decodeBase64Url(text)).toEqual(fromHex(hex))
  })

  it.each(vectors.base64urlInvalid)('refuses %j', (text) => {
    expect(() => decodeBase64Url(text)).toThrow(TypeError)
  })

  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(decodeBase64Url(encodeBase64Url(bytes))).toEqual(new Uint8Array(bytes))
      }),
    )
  })

  it('accepts one text for each byte string', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const texts = fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 })
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(encodeBase64Url(decodeBase64Url(text))).toBe(text)
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
        }
      }),
    )
  })

  it('carries more bytes than fit in one call', () => {
    const bytes = patternOf(200_001)
    expect(decodeBase64Url(encodeBase64Url(bytes))).toEqual(bytes)
  })

  it('does not repeat a refused text', () => {
    expect(() => decodeBase64Url('secret!')).toThrow(expect.not.stringContaining('secret') as unknown as string)
  })

  it('refuses anything that is not bytes', () => {
    expect(() => encodeBase64Url('AA' as never)).toThrow(TypeError)
    expect(() => encodeBase64Url([1, 2] as never)).toThrow(TypeError)
    expect(() => decodeBase64Url(7 as never)).toThrow(TypeError)
  })
})

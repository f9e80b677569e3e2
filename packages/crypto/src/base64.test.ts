import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { fromText } from './testing/bytes.ts'

describe('base64', () => {
  // RFC 4648 §10
  it.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ])('%j is %j', (plain, text) => {
    expect(encodeBase64(fromText(plain))).toBe(text)
    expect(decodeBase64(text)).toEqual(fromText(plain))
  })

  it('is the alphabet of §4', () => {
    expect(encodeBase64(new Uint8Array([0xfb, 0xff]))).toBe('+/8=')
  })

  it.each([
    'A',
    'AA',
    'AAA',
    'AA=',
    'A===',
    '====',
    'AAAA====',
    '-_8=',
    '+/9=',
    'AB==',
    'AA==AAAA',
    'AA\n=',
    ' AAA',
    'å===',
  ])('refuses %j without repeating it', (text) => {
    expect(() => decodeBase64(text)).toThrow(TypeError)
    expect(() => decodeBase64(text)).not.toThrow(text)
  })

  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeBase64(encodeBase64(bytes))).toEqual(new Uint8Array(bytes))
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { occurrences } from './needle.ts'

const text = 'Hjemmebesøk hos Åse'
const bytes = Buffer.from(text)

describe('occurrences', () => {
  it.each([
    ['UTF-8', Buffer.from(`før ${text} etter`)],
    ['UTF-16', Buffer.from(`før ${text}`, 'utf16le')],
    ['JSON', Buffer.from(JSON.stringify({ text }))],
    ['escaped JSON', Buffer.from('"Hjemmebes\\u00f8k hos \\u00c5se"')],
    ['hexadecimal', Buffer.from(`\\x00${bytes.toString('hex')}ff`)],
    ['base64', Buffer.from(Buffer.concat([bytes, bytes]).toString('base64'))],
    ['base64 from the second byte', Buffer.from(Buffer.concat([Buffer.from('x'), bytes]).toString('base64'))],
    ['base64url from the third byte', Buffer.from(Buffer.concat([Buffer.from('xy'), bytes]).toString('base64url'))],
  ])('finds it as %s', (_, place) => {
    expect(occurrences(text, [Buffer.from('nothing'), place])).toBe(1)
  })

  it('does not find what is not there', () => {
    expect(occurrences(text, [Buffer.from('Hjemmebesøk hos Ole'), new Uint8Array()])).toBe(0)
  })
})

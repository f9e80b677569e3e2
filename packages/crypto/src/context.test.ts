import { describe, expect, it } from 'vitest'
import vectors from '../../../vectors/encodings.json' with { type: 'json' }
import { encodeContext } from './context.ts'
import { toHex } from './testing/bytes.ts'

const context = { purpose: 'note', table: 'note', column: 'body', row: '17', owner: 'usr_1' }

describe('context', () => {
  it.each(vectors.context)('encodes $context', ({ context, hex }) => {
    expect(toHex(encodeContext(context))).toBe(hex)
  })

  it.each(Object.keys(context))('refuses to bind nothing as %s', (name) => {
    expect(() => encodeContext({ ...context, [name]: '' })).toThrow(RangeError)
    expect(() => encodeContext({ ...context, [name]: 17 })).toThrow(`context.${name}`)
    expect(() => encodeContext({ ...context, [name]: '\udc00' })).toThrow(TypeError)
    expect(() => encodeContext({ ...context, [name]: undefined } as never)).toThrow(TypeError)
  })

  it('refuses a member that would not be bound', () => {
    expect(() => encodeContext({ ...context, tenant: 'org_1' } as never)).toThrow(TypeError)
    expect(() => encodeContext(null as never)).toThrow(TypeError)
    expect(() => encodeContext([] as never)).toThrow(TypeError)
  })
})

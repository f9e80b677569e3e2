import { describe, expect, it } from 'vitest'
import { createBlindIndex } from './blind-index.ts'

const [one, other] = [1, 2].map((byte) => createBlindIndex(new Uint8Array(32).fill(byte))) as [
  ReturnType<typeof createBlindIndex>,
  ReturnType<typeof createBlindIndex>,
]

describe('blind index', () => {
  it('is the same for equal values under one key, and another under another', async () => {
    const first = await one.index('phone', '+4747000001')
    expect(first).toHaveLength(32)
    expect(await one.index('phone', '+4747000001')).toEqual(first)
    expect(await one.index('phone', '+4747000002')).not.toEqual(first)
    expect(await other.index('phone', '+4747000001')).not.toEqual(first)
    expect(await other.keyId()).not.toBe(await one.keyId())
  })

  it('is another for each field', async () => {
    const fields = ['personnummer', 'phone', 'email'] as const
    const indexes = await Promise.all(fields.map((field) => one.index(field, '+4747000001')))
    expect(new Set(indexes.map((index) => Buffer.from(index).toString('hex'))).size).toBe(3)
  })

  it('is there under the previous key as it was, while there is one', async () => {
    const both = createBlindIndex(new Uint8Array(32).fill(2), new Uint8Array(32).fill(1))
    const previous = await both.previous()
    expect(await both.keyId()).toBe(await other.keyId())
    expect(await previous?.keyId()).toBe(await one.keyId())
    expect(await previous?.index('email', 'a@b.example')).toEqual(await one.index('email', 'a@b.example'))
    expect(await previous?.previous()).toBeNull()
    expect(await one.previous()).toBeNull()
  })

  it('needs an index key of 32 bytes', () => {
    expect(() => createBlindIndex(new Uint8Array(31))).toThrow(TypeError)
    expect(() => createBlindIndex(new Uint8Array(32), new Uint8Array(33))).toThrow(TypeError)
    expect(() => createBlindIndex('0'.repeat(32) as never)).toThrow(TypeError)
  })
})

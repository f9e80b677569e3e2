import { describe, expect, it } from 'vitest'
import { chunkCount, FILE_CHUNK_BYTE_LENGTH, sealedByteLength } from './file-layout.ts'

describe('file layout', () => {
  it.each([
    [0, 1, 52],
    [1, 1, 53],
    [FILE_CHUNK_BYTE_LENGTH, 1, 1_048_564],
    [FILE_CHUNK_BYTE_LENGTH + 1, 2, 1_048_581],
    [2 ** 30, 1025, 1_073_758_260],
  ])('%i bytes are %i chunks and %i bytes sealed', (plain, chunks, sealed) => {
    expect(chunkCount(plain)).toBe(chunks)
    expect(sealedByteLength(plain)).toBe(sealed)
  })

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses %d', (plain) => {
    expect(() => chunkCount(plain)).toThrow(RangeError)
    expect(() => sealedByteLength(plain)).toThrow(RangeError)
  })
})

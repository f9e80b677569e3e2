import { chunkCount, FILE_CHUNK_BYTE_LENGTH, sealedByteLength } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import { isSealedFile, storedChunkByteLength } from './layout.ts'

const full = FILE_CHUNK_BYTE_LENGTH
const sizes = [0, 1, full - 1, full, full + 1, 2 * full - 1, 2 * full, 2 * full + 1, 7 * full + 3]

describe('layout of a sealed file', () => {
  it.each(sizes)('knows the chunks of a file of %i bytes', (plain) => {
    const file = { byteLength: sealedByteLength(plain), chunkCount: chunkCount(plain) }
    expect(isSealedFile(file)).toBe(true)
    const chunks = Array.from({ length: file.chunkCount }, (_, index) => storedChunkByteLength(file, index))
    expect(chunks.reduce((sum, byteLength) => sum + byteLength)).toBe(file.byteLength)
    expect(Math.max(...chunks)).toBeLessThanOrEqual(1_048_576)
    const last = plain - (file.chunkCount - 1) * full
    expect(chunks.at(-1)).toBe(last + (file.chunkCount === 1 ? 52 : 16))
  })

  it.each([
    [51, 1],
    [52, 2],
    [sealedByteLength(full), 2],
    [sealedByteLength(full) + 1, 1],
    [sealedByteLength(full) + 16, 2],
    [sealedByteLength(3 * full), 2],
    [sealedByteLength(3 * full), 4],
    [8192, 8192],
  ])('refuses %i bytes in %i chunks', (byteLength, count) => {
    expect(isSealedFile({ byteLength, chunkCount: count })).toBe(false)
  })
})

import { chunkCount, FILE_CHUNK_BYTE_LENGTH, sealedByteLength } from '@nokkel/crypto'

/** A sealed file as docs/spec/file-stream.md stores it; the sizes of its chunks follow from its own. */
export interface SealedFile {
  readonly byteLength: number
  readonly chunkCount: number
}

const emptyByteLength = sealedByteLength(0)
const fullByteLength = sealedByteLength(FILE_CHUNK_BYTE_LENGTH)
const laterByteLength = sealedByteLength(2 * FILE_CHUNK_BYTE_LENGTH) - fullByteLength
const tagByteLength = laterByteLength - FILE_CHUNK_BYTE_LENGTH

/** Whether a sealed file of this size has this many chunks. */
export function isSealedFile({ byteLength, chunkCount: count }: SealedFile): boolean {
  const plain = byteLength - emptyByteLength - (count - 1) * tagByteLength
  return plain >= 0 && chunkCount(plain) === count
}

/** The size of one stored chunk; the last one has what is left. */
export function storedChunkByteLength({ byteLength, chunkCount: count }: SealedFile, index: number): number {
  if (index < count - 1) return index === 0 ? fullByteLength : laterByteLength
  return index === 0 ? byteLength : byteLength - fullByteLength - (index - 1) * laterByteLength
}

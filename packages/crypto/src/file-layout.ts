import { headerByteLength } from './header.ts'

/** Plaintext of a full chunk: 1 MiB − 64, so that every stored chunk, also the first, is at most 1 MiB. */
export const FILE_CHUNK_BYTE_LENGTH = 1_048_512

export const saltByteLength = 16
export const tagByteLength = 16
export const preambleByteLength = headerByteLength + saltByteLength

/**
 * How many chunks a file is stored in; an empty file is one chunk.
 *
 * @param plainByteLength - Size of the file in bytes.
 * @throws {RangeError} `plainByteLength` is not a whole number from 0.
 */
export function chunkCount(plainByteLength: number): number {
  if (!Number.isSafeInteger(plainByteLength) || plainByteLength < 0) {
    throw new RangeError('plainByteLength must be a whole number from 0')
  }
  return Math.max(1, Math.ceil(plainByteLength / FILE_CHUNK_BYTE_LENGTH))
}

/**
 * How many bytes {@link encryptStream} makes of a file: 36 for header and salt, and 16 for each chunk, more than it has.
 *
 * @param plainByteLength - Size of the file in bytes.
 * @throws {RangeError} `plainByteLength` is not a whole number from 0.
 *
 * @example
 * ```ts
 * sealedByteLength(0) // 52
 * ```
 */
export function sealedByteLength(plainByteLength: number): number {
  return preambleByteLength + plainByteLength + chunkCount(plainByteLength) * tagByteLength
}

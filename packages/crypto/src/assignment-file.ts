import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { assertByteLength } from './bytes.ts'
import { assertContentKey, type ContentKey } from './content-key.ts'
import { chunkCount } from './file-layout.ts'
import { hasExactly } from './members.ts'
import { assertName, assertText } from './text.ts'

/** A file of an assignment, a project or a bid: what it is called, and what is needed to fetch, check and decrypt it. */
export interface AssignmentFile {
  readonly blobId: string
  readonly name: string
  /** Media type, such as `application/pdf`; may be empty. */
  readonly type: string
  /** Size of the file itself. */
  readonly byteLength: number
  /** The key its stream was encrypted under. */
  readonly key: ContentKey
  /** The SHA-256 of every stored chunk, 32 bytes each, in order. */
  readonly digests: Uint8Array
}

const names = ['blobId', 'name', 'type', 'byteLength', 'key', 'digests'] as const
const digestByteLength = 32

/** A file as a member of JSON. */
export function encodeFile({ blobId, name, type, byteLength, key, digests }: AssignmentFile): object {
  return { blobId, name, type, byteLength, key: encodeBase64Url(key), digests: encodeBase64Url(digests) }
}

/** The inverse of {@link encodeFile}; the caller must assert the result with {@link assertFile}. */
export function parseFile(file: unknown): unknown {
  if (!hasExactly(file, names)) throw new TypeError(`a file must have exactly: ${names.join(', ')}`)
  const { key, digests } = file
  if (typeof key !== 'string' || typeof digests !== 'string') throw new TypeError('file bytes must be text')
  return { ...file, key: decodeBase64Url(key), digests: decodeBase64Url(digests) }
}

export function assertFile(file: unknown, at: string): asserts file is AssignmentFile {
  if (!hasExactly(file, names)) throw new TypeError(`${at} must have exactly: ${names.join(', ')}`)
  const { blobId, name, type, byteLength, key, digests } = file
  assertName(blobId, `${at}.blobId`)
  assertText(name, `${at}.name`)
  assertText(type, `${at}.type`)
  if (!Number.isSafeInteger(byteLength) || (byteLength as number) < 0) {
    throw new RangeError(`${at}.byteLength must be a whole number from 0`)
  }
  assertContentKey(key, `${at}.key`)
  assertByteLength(digests, chunkCount(byteLength as number) * digestByteLength, `${at}.digests`)
}

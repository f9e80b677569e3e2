import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { assertByteLength, type Bytes } from './bytes.ts'
import { assertContentKey, type ContentKey } from './content-key.ts'
import { chunkCount } from './file-layout.ts'
import { encodeJson, parseJson } from './json.ts'
import { hasExactly } from './members.ts'
import { assertName, assertText } from './text.ts'

/** A file of an assignment: what it is called, and what is needed to fetch, check and decrypt it. */
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

/** What an assignment says. */
export interface AssignmentContent {
  readonly title: string
  readonly body: string
  readonly files: readonly AssignmentFile[]
}

const fileNames = ['blobId', 'name', 'type', 'byteLength', 'key', 'digests'] as const
const digestByteLength = 32

export function encodeAssignmentContent(content: AssignmentContent): Bytes {
  assertContent(content)
  const files = content.files.map(({ blobId, name, type, byteLength, key, digests }) => {
    return { blobId, name, type, byteLength, key: encodeBase64Url(key), digests: encodeBase64Url(digests) }
  })
  return encodeJson({ v: 1, title: content.title, body: content.body, files })
}

/** @throws {TypeError | RangeError} The bytes are not the content of an assignment, or hold a member too many. */
export function parseAssignmentContent(bytes: Uint8Array): AssignmentContent {
  const value = parseJson(bytes)
  const { v, ...rest } = value
  if (v !== 1) throw new TypeError('content.v must be 1')
  if (!Array.isArray(rest.files)) throw new TypeError('content.files must be an array')
  const content = { ...rest, files: rest.files.map(parseFile) }
  assertContent(content)
  return content
}

function parseFile(file: unknown): unknown {
  if (!hasExactly(file, fileNames)) throw new TypeError(`a file must have exactly: ${fileNames.join(', ')}`)
  const { key, digests } = file
  if (typeof key !== 'string' || typeof digests !== 'string') throw new TypeError('file bytes must be text')
  return { ...file, key: decodeBase64Url(key), digests: decodeBase64Url(digests) }
}

function assertContent(content: unknown): asserts content is AssignmentContent {
  if (!hasExactly(content, ['title', 'body', 'files'])) {
    throw new TypeError('content must have exactly: title, body, files')
  }
  assertText(content.title, 'content.title')
  assertText(content.body, 'content.body')
  if (!Array.isArray(content.files)) throw new TypeError('content.files must be an array')
  for (const [index, file] of content.files.entries()) assertFile(file, `content.files[${index}]`)
}

function assertFile(file: unknown, at: string): void {
  if (!hasExactly(file, fileNames)) throw new TypeError(`${at} must have exactly: ${fileNames.join(', ')}`)
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

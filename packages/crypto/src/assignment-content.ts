import { type AssignmentFile, assertFile, encodeFile, parseFile } from './assignment-file.ts'
import type { Bytes } from './bytes.ts'
import { encodeJson, parseJson } from './json.ts'
import { hasExactly } from './members.ts'
import { assertText } from './text.ts'

/** What an assignment says. */
export interface AssignmentContent {
  readonly title: string
  readonly body: string
  readonly files: readonly AssignmentFile[]
}

export function encodeAssignmentContent(content: AssignmentContent): Bytes {
  assertContent(content)
  return encodeJson({ v: 1, title: content.title, body: content.body, files: content.files.map(encodeFile) })
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

function assertContent(content: unknown): asserts content is AssignmentContent {
  if (!hasExactly(content, ['title', 'body', 'files'])) {
    throw new TypeError('content must have exactly: title, body, files')
  }
  assertText(content.title, 'content.title')
  assertText(content.body, 'content.body')
  if (!Array.isArray(content.files)) throw new TypeError('content.files must be an array')
  for (const [index, file] of content.files.entries()) assertFile(file, `content.files[${index}]`)
}

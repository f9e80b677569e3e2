import type { Bytes } from './bytes.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A lone surrogate is refused: it has no UTF-8 form, so two different strings would get the same bytes. */
export function assertText(value: unknown, name: string): asserts value is string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`)
  if (!value.isWellFormed()) throw new TypeError(`${name} must be well-formed Unicode`)
}

export function assertName(value: unknown, name: string): asserts value is string {
  assertText(value, name)
  if (value === '') throw new RangeError(`${name} must not be empty`)
}

export function encodeText(text: string): Bytes {
  return encoder.encode(text)
}

/** @throws {TypeError} The bytes are not UTF-8. A byte order mark is kept as a character. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

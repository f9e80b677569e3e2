import type { Bytes } from './bytes.ts'
import { decodeText, encodeText } from './text.ts'

export function encodeJson(value: object): Bytes {
  return encodeText(JSON.stringify(value))
}

/**
 * Parses the JSON object that {@link encodeJson} would write. Duplicate members, white space and second spellings of
 * a string or number are refused, so two parsers cannot read the same signed bytes differently.
 */
export function parseJson(bytes: Uint8Array): Record<string, unknown> {
  const text = decodeText(bytes)
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not a JSON object')
  if (JSON.stringify(value) !== text) throw new TypeError('not compact JSON with distinct members')
  return value as Record<string, unknown>
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The error of JSON.parse quotes the text, which may be a plaintext.
    throw new TypeError('not JSON')
  }
}

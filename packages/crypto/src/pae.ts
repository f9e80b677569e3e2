import { assertBytes, type Bytes, concatBytes } from './bytes.ts'
import { assertText, encodeText } from './text.ts'

/**
 * Joins parts so that no two different lists of parts give the same bytes: the Pre-Authentication Encoding of PASETO.
 *
 * The number of parts, then each part after its length; both as 64-bit little-endian integers. Strings are UTF-8.
 *
 * @param parts - Bytes or strings, also empty ones.
 * @throws {TypeError} A part is neither, or is a string with a lone surrogate, which has no UTF-8 form.
 *
 * @example
 * ```ts
 * encodePae('ab', 'c') // 02 00×7 · 02 00×7 · 61 62 · 01 00×7 · 63
 * ```
 * @see PASETO, "Common implementation details", Authentication Padding
 */
export function encodePae(...parts: readonly (Uint8Array | string)[]): Bytes {
  const pieces: Uint8Array[] = [littleEndian64(parts.length)]
  for (const [index, part] of parts.entries()) {
    const bytes = toBytes(part, `parts[${index}]`)
    pieces.push(littleEndian64(bytes.byteLength), bytes)
  }
  return concatBytes(...pieces)
}

function toBytes(part: Uint8Array | string, name: string): Bytes {
  if (typeof part === 'string') {
    assertText(part, name)
    return encodeText(part)
  }
  assertBytes(part, name)
  return part
}

function littleEndian64(value: number): Bytes {
  const bytes = new Uint8Array(8)
  let rest = value
  for (let index = 0; rest > 0; index++) {
    bytes[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return bytes
}

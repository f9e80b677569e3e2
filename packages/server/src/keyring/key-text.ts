export const keyByteLength = 32

/**
 * Reads 64 hexadecimal digits.
 *
 * @throws {TypeError} It is something else; begins with `name` and does not repeat it.
 */
export function parseKey(text: unknown, name: string): Uint8Array {
  const bytes = new Uint8Array(keyByteLength)
  let valid = typeof text === 'string' && text.length === 2 * keyByteLength
  // Without a regular expression: an engine keeps the last text one was tried on.
  for (let index = 0; valid && index < keyByteLength; index++) {
    const [high, low] = [digit(text as string, 2 * index), digit(text as string, 2 * index + 1)]
    valid = high >= 0 && low >= 0
    bytes[index] = 16 * high + low
  }
  if (!valid) throw new TypeError(`${name} must be 64 hexadecimal digits (256 bits).`)
  return bytes
}

function digit(text: string, index: number): number {
  const code = text.charCodeAt(index) | 0x20
  if (code >= 0x30 && code <= 0x39 && text.charCodeAt(index) === code) return code - 0x30
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1
}

export const equalKeys = (one: Uint8Array, other: Uint8Array): boolean =>
  one.every((byte, index) => byte === other[index])

import type { Bytes } from '../bytes.ts'

export function fromHex(hex: string): Bytes {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function fromText(text: string): Bytes {
  return new TextEncoder().encode(text)
}

/** A file whose every byte depends on its place: byte *i* is *i* mod 251. */
export function patternOf(byteLength: number): Bytes {
  const bytes = new Uint8Array(byteLength)
  for (let index = 0; index < byteLength; index++) bytes[index] = index % 251
  return bytes
}

/** The same bytes with one bit turned over, once for each byte. */
export function* flipEachByte(bytes: Uint8Array): Generator<Bytes, void, undefined> {
  for (let index = 0; index < bytes.byteLength; index++) {
    const flipped = new Uint8Array(bytes)
    flipped[index] = (flipped[index] ?? 0) ^ (1 << (index % 8))
    yield flipped
  }
}

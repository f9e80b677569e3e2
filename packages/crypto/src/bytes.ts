/** Bytes over a plain `ArrayBuffer`, which is what WebCrypto takes and gives. */
export type Bytes = Uint8Array<ArrayBuffer>

export function assertBytes(value: unknown, name: string): asserts value is Bytes {
  if (!(value instanceof Uint8Array)) throw new TypeError(`${name} must be a Uint8Array`)
  if (!(value.buffer instanceof ArrayBuffer)) throw new TypeError(`${name} must not be shared memory`)
}

export function assertByteLength(value: unknown, byteLength: number, name: string): asserts value is Bytes {
  assertBytes(value, name)
  if (value.byteLength !== byteLength) throw new RangeError(`${name} must be ${byteLength} bytes`)
}

export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.byteLength
  }
  return whole
}

/** Compares public values. Takes a time that depends on them. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index])
}

export async function sha256(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data))
}

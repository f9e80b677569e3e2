const marker = 'nokkel.key'

/** Writes a value as JSON bytes; the keys in it are taken out, to be stored as objects. */
export function encodeValue(value: unknown): { bytes: Uint8Array<ArrayBuffer>; keys: CryptoKey[] } {
  const keys: CryptoKey[] = []
  const text = JSON.stringify(value, (_, member) => {
    return member instanceof CryptoKey ? { [marker]: keys.push(member) - 1 } : member
  })
  if (text === undefined) throw new TypeError('value must be a JSON value')
  return { bytes: new TextEncoder().encode(text), keys }
}

export function decodeValue(bytes: Uint8Array, keys: readonly CryptoKey[]): unknown {
  return JSON.parse(new TextDecoder().decode(bytes), (_, member) => {
    const index = member?.[marker]
    return typeof index === 'number' ? keys[index] : member
  })
}

/** SHA-256 of bytes, or of text as UTF-8. */
export async function sha256(value: Uint8Array | string): Promise<Uint8Array> {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  // Where there is a digest without a thread of its own: for what is hashed here, the way there and back takes longer.
  if (hash) return new Uint8Array(hash('sha256', bytes, 'buffer'))
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}

const { hash } = globalThis.process?.getBuiltinModule?.('node:crypto') ?? {}

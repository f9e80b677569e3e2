/** SHA-256 of bytes, or of text as UTF-8. */
export async function sha256(value: Uint8Array | string): Promise<Uint8Array> {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}

/** The drivers differ in how they write an array of bytes; of texts they do not. */
export function byteaText(bytes: Uint8Array | null | undefined): string | null {
  if (!bytes) return null
  return `\\x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

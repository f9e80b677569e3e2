/** How often a text occurs in some places, in any of the ways it could be written there. */
export function occurrences(text: string, places: readonly Uint8Array[]): number {
  const patterns = encodings(text)
  return places.filter((place) => {
    const bytes = Buffer.from(place.buffer, place.byteOffset, place.byteLength)
    return patterns.some((pattern) => bytes.includes(pattern))
  }).length
}

/** UTF-8, UTF-16, JSON escapes, hexadecimal, and base64 at each of the three places in a group. */
function encodings(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text, 'utf8')
  const escaped = JSON.stringify(text)
    .slice(1, -1)
    .replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const base64 = [0, 1, 2].flatMap((shift) => {
    // What stands before and after the text decides the first and the last characters: they are left out.
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const inner = encoded.slice(shift === 0 ? 0 : shift + 1, -1)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  return [
    bytes,
    Buffer.from(text, 'utf16le'),
    ...[escaped, JSON.stringify(text).slice(1, -1), bytes.toString('hex'), ...base64].map((form) => Buffer.from(form)),
  ]
}

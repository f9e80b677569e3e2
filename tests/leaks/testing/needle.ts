/** Something that must not turn up, as every sequence of bytes it could turn up as. */
export interface Needle {
  readonly name: string
  readonly forms: readonly Buffer[]
}

/** Text or bytes as they stand, in UTF-16, hexadecimal, base64 and base64url at each alignment, JSON and a URL. */
export function createNeedle(name: string, secret: string | Uint8Array): Needle {
  const bytes = typeof secret === 'string' ? Buffer.from(secret) : Buffer.from(secret)
  if (bytes.byteLength < 8) throw new RangeError(`${name} is too short to be told from chance`)
  const texts = typeof secret === 'string' ? formsOfText(secret) : []
  const encoded = [bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64Forms(bytes)]
  const forms = [bytes, ...texts, ...encoded.map((text) => Buffer.from(text))]
  return { name, forms: [...new Map(forms.map((form) => [form.toString('hex'), form])).values()] }
}

function formsOfText(text: string): Buffer[] {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const url = encodeURIComponent(text)
  const wide = Buffer.from(text, 'utf16le')
  return [
    wide,
    Buffer.from(wide).swap16(),
    ...[json, ascii, url, url.replaceAll('%20', '+')].map((form) => Buffer.from(form)),
  ]
}

/** The characters that `bytes` alone decide, whatever stands before and after them. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes])
    const [first, end] = [Math.ceil((offset * 8) / 6), Math.floor((padded.byteLength * 8) / 6)]
    return [padded.toString('base64').slice(first, end), padded.toString('base64url').slice(first, end)]
  })
}

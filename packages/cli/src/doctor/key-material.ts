import { isPrivateKeyDer } from './der.ts'
import { type Detector, type Match, mask } from './finding.ts'

// A line break, also as source code writes it within a string.
const lineBreak = String.raw`(?:\\r)?\\n|\r?\n`

const pemHeader = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)-----/g

/** A header alone is what software that reads keys contains; it takes a body to be a key. */
export const findPem: Detector = function* (text) {
  for (const { 0: header, 1: label = '', index } of text.matchAll(pemHeader)) {
    const footer = text.indexOf(`-----END ${label}-----`, index)
    const end = footer >= 0 && footer - index < 20_000 ? footer : index + 8_000
    const body = text.slice(index + header.length, end).replace(/\\[nrt]|[^A-Za-z0-9+/]/g, '')
    if (body.length >= 40) yield { kind: 'private_key_pem', start: index, end, excerpt: `-----BEGIN ${label}-----` }
  }
}

// Every DER private key begins with 0x30, which is M in base64 and in base64url.
const encoded = new RegExp(`(?<![A-Za-z0-9+/_-])M[A-Za-z0-9+/_-]{39,}(?:(?:${lineBreak})[A-Za-z0-9+/_-]+)*`, 'g')
const hexadecimal = /(?<![0-9a-fA-F])30(?:[0-9a-fA-F]{2}){31,}(?![0-9a-fA-F])/g
const longestKey = 20_000

export const findDer: Detector = function* (text) {
  for (const { 0: run, index } of text.matchAll(encoded)) {
    const bytes = Buffer.from(run.slice(0, longestKey).replace(/\\[rn]|\s/g, ''), 'base64')
    if (isPrivateKeyDer(bytes)) yield der(run, index)
  }
  for (const { 0: run, index } of text.matchAll(hexadecimal)) {
    if (isPrivateKeyDer(Buffer.from(run.slice(0, longestKey), 'hex'))) yield der(run, index)
  }
}

const der = (run: string, start: number): Match => ({
  kind: 'private_key_der',
  start,
  end: start + run.length,
  excerpt: mask(run),
})

// Quoted or not, and quoted once more within a string.
const quote = String.raw`(?:\\?["'\`])`
const keyType = new RegExp(`${quote}?\\bkty${quote}?\\s*:\\s*${quote}(RSA|EC|OKP|oct|AKP)${quote}`, 'g')
const secretPart = (name: string) =>
  new RegExp(`(?<![A-Za-z0-9_$])${quote}?${name}${quote}?\\s*:\\s*${quote}[A-Za-z0-9_-]{20,}${quote}`)
const secretParts = { oct: secretPart('k'), AKP: secretPart('priv'), other: secretPart('d') }
const reach = 8_000

export const findPrivateJwk: Detector = function* (text) {
  for (const { index, 1: type = '' } of text.matchAll(keyType)) {
    const [start, end] = enclosingObject(text, index)
    const part = secretParts[type as keyof typeof secretParts] ?? secretParts.other
    if (part.test(text.slice(start, end))) yield { kind: 'private_jwk', start, end, excerpt: `a JWK of type ${type}` }
  }
}

/** From the brace that opens before `at` to the one that closes after it; a JWK has no braces within. */
function enclosingObject(text: string, at: number): [number, number] {
  const opening = text.lastIndexOf('{', at)
  const closing = text.indexOf('}', at)
  const start = opening >= 0 && at - opening < reach ? opening : at
  const end = closing >= 0 && closing - at < reach ? closing + 1 : at + 1
  return [start, end]
}

const hexKey = /(?<![0-9a-zA-Z_])[0-9a-fA-F]{64}(?![0-9a-zA-Z_])/g
const namesDigest = /sha-?_?(?:2|256|3)|digest|checksum|integrity|hash|fingerprint|thumbprint|etag|revision|commit/i

/**
 * 64 hexadecimal digits that nothing marks as a digest. Numbers written with `0x` are the constants of curves, and have
 * another character before them.
 */
export const findHexKey: Detector = function* (text) {
  for (const { 0: run, index } of text.matchAll(hexKey)) {
    const before = text.slice(Math.max(0, index - 48), index)
    const nearest = before.slice(Math.max(...['\n', ',', ';'].map((end) => before.lastIndexOf(end))) + 1)
    const fileName = /^(?:\.[a-z0-9]{1,5}){1,2}\b/.test(text.slice(index + 64, index + 76)) && /[./-]$/.test(before)
    if (namesDigest.test(nearest) || fileName || new Set(run).size < 4) continue
    yield { kind: 'hex_key', start: index, end: index + 64, excerpt: mask(run) }
  }
}

import type { Detector } from './finding.ts'

const secretName = /KEY|SECRET|TOKEN|PASSWORD|PASSWD|PRIVATE|CREDENTIAL|SHARE|_PIN$|DATABASE_(?:ADMIN_)?URL|DB_URL|DSN/i
const publicName = /^(?:VITE|NEXT_PUBLIC|NUXT_PUBLIC|PUBLIC|EXPO_PUBLIC|REACT_APP)_|ANON_KEY|PUBLISHABLE|PUBLIC_KEY/i
const shortestValue = 12
const shortestPassword = 8

/**
 * Finds the values of this environment's secrets themselves: as they are, and their bytes in hexadecimal, base64 and
 * base64url at any offset within a longer text. What is shown is the name.
 */
export function findEnvironmentValues(environment: Readonly<Record<string, string | undefined>>): Detector {
  const needles = new Map<string, string>()
  for (const [name, value = ''] of Object.entries(environment)) {
    if (!secretName.test(name) || publicName.test(name)) continue
    for (const needle of needlesOf(value.trim())) needles.set(needle, name)
  }
  return function* (text) {
    for (const [needle, name] of needles) {
      for (let start = text.indexOf(needle); start >= 0; start = text.indexOf(needle, start + needle.length)) {
        yield { kind: 'environment_value', start, end: start + needle.length, excerpt: `the value of ${name}` }
      }
    }
  }
}

function* needlesOf(value: string): Iterable<string> {
  const password = URL.canParse(value) ? new URL(value).password : ''
  if (password.length >= shortestPassword) {
    yield password
    yield decodeURIComponent(password)
  }
  if (value.length < shortestValue) return
  yield value
  for (const bytes of bytesOf(value)) {
    const hex = bytes.toString('hex')
    yield hex
    yield hex.toUpperCase()
    for (const offset of [0, 1, 2]) {
      const text = base64At(bytes, offset)
      yield text
      yield text.replaceAll('+', '-').replaceAll('/', '_')
    }
  }
}

/** The text itself, and what it says where it is an encoding. */
function bytesOf(value: string): Buffer[] {
  const all = [Buffer.from(value, 'utf8')]
  if (/^(?:[0-9a-f]{2})+$/i.test(value)) all.push(Buffer.from(value, 'hex'))
  if (/^[A-Za-z0-9+/_-]{22,}={0,2}$/.test(value)) all.push(Buffer.from(value, 'base64'))
  return all.filter(({ byteLength }) => byteLength >= shortestValue)
}

/** What base64 of a longer text holds of `bytes` for certain, when they begin `offset` bytes after a group of three. */
function base64At(bytes: Buffer, offset: number): string {
  const from = offset === 0 ? 0 : 3 - offset
  const certain = bytes.subarray(from, from + Math.floor((bytes.byteLength - from) / 3) * 3)
  return certain.toString('base64')
}

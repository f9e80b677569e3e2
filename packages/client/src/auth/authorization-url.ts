import { NokkelError } from '../errors.ts'

interface Expected {
  readonly state: string
  readonly nonce: string
  readonly codeChallenge: string
}

/**
 * Refuses to leave for a URL that does not carry this login's own values: the server cannot make the person log in
 * for somebody else's session.
 *
 * @throws {NokkelError} `login_state_mismatch`
 */
export function checkAuthorizationUrl(text: string, expected: Expected): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const carried = {
    response_type: 'code',
    code_challenge_method: 'S256',
    code_challenge: expected.codeChallenge,
    state: expected.state,
    nonce: expected.nonce,
  }
  const fits =
    url !== undefined &&
    (url.protocol === 'https:' || isLoopback(url)) &&
    Object.entries(carried).every(([name, value]) => {
      const values = url.searchParams.getAll(name)
      return values.length === 1 && values[0] === value
    })
  if (!fits) throw new NokkelError('login_state_mismatch')
  return url
}

function isLoopback(url: URL): boolean {
  return url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
}

import type { Share } from '@nokkel/contract'
import { NokkelError } from '../errors.ts'

interface Expected {
  readonly state: string
  readonly nonce: string
  readonly codeChallenge: string
  /** Where this login may come back to. */
  readonly redirectUris: readonly string[]
  /** What the person agreed to. */
  readonly shares: readonly Share[]
  /** A personnummer that was sent to be handed on: never in the URL. */
  readonly hint: string | undefined
}

/** What a scope tells; `null`: nothing of the person. One that is not here tells more than anybody agreed to. */
const tells: Readonly<Record<string, Share | null>> = {
  openid: null,
  // Of Signicat: which BankID it was.
  'nbid-extra': null,
  'idp-id': null,
  profile: 'name',
  name: 'name',
  birthDate: 'birthDate',
  phoneNumber: 'phoneNumber',
  phone: 'phoneNumber',
  email: 'email',
  address: 'address',
  nin: 'personnummer',
  nnin: 'personnummer',
  nnin_altsub: 'personnummer',
  ssn: 'personnummer',
}

/** They could ask for more than `scope` says, or for something else than the rest of the URL. */
const neverCarried = ['request', 'claims']

/**
 * Refuses to leave for a URL that does not carry this login's own values, comes back elsewhere, or asks for more than
 * the person agreed to: the server cannot make them log in for somebody else's session, nor give away what they kept.
 *
 * A URL of a login whose hint was handed over beforehand is `client_id`, `request_uri` and `response_type` alone (RFC 9126
 * §4): what stands behind it only the server and the provider know. Without a hint such a URL is refused.
 *
 * @throws {NokkelError} `login_state_mismatch`
 */
export function checkAuthorizationUrl(text: string, expected: Expected): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !isSafe(url) || !(isPushed(url, expected) || carries(url, expected))) {
    throw new NokkelError('login_state_mismatch')
  }
  return url
}

function isPushed({ searchParams }: URL, { hint }: Expected): boolean {
  const names = [...searchParams.keys()].filter((name) => name !== 'response_type').sort()
  return (
    hint !== undefined &&
    names.join() === 'client_id,request_uri' &&
    searchParams.getAll('response_type').every((type, index) => type === 'code' && index === 0) &&
    searchParams.get('request_uri') !== ''
  )
}

function carries({ href, searchParams }: URL, expected: Expected): boolean {
  const { redirectUris, shares, hint } = expected
  const names = [...searchParams.keys()]
  const carried = {
    response_type: 'code',
    code_challenge_method: 'S256',
    code_challenge: expected.codeChallenge,
    state: expected.state,
    nonce: expected.nonce,
  }
  return (
    new Set(names).size === names.length &&
    !neverCarried.some((name) => searchParams.has(name)) &&
    !searchParams.has('request_uri') &&
    Object.entries(carried).every(([name, value]) => searchParams.get(name) === value) &&
    redirectUris.includes(searchParams.get('redirect_uri') ?? '') &&
    isWithin(searchParams.get('scope') ?? '', shares) &&
    (hint === undefined || !href.includes(hint))
  )
}

function isWithin(scope: string, shares: readonly Share[]): boolean {
  const asked = scope.split(' ')
  return asked.includes('openid') && asked.every((name) => Object.hasOwn(tells, name) && agreed(tells[name], shares))
}

function agreed(share: Share | null | undefined, shares: readonly Share[]): boolean {
  return share === null || (share !== undefined && shares.includes(share))
}

function isSafe(url: URL): boolean {
  const loopback = url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return (url.protocol === 'https:' || loopback) && url.username === '' && url.password === ''
}

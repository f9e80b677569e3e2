import type { Share } from '@nokkel/contract'
import { describe, expect, it } from 'vitest'
import { checkAuthorizationUrl } from './authorization-url.ts'

const page = 'https://app.example.no/callback/vipps/likeperson'
const app = 'no.example.app:/callback/vipps/likeperson'
const expected = {
  state: 's'.repeat(43),
  nonce: 'n'.repeat(43),
  codeChallenge: 'c'.repeat(43),
  redirectUris: [page, app],
  shares: ['name', 'phoneNumber'] as readonly Share[],
  hint: undefined as string | undefined,
}
const right = {
  response_type: 'code',
  client_id: 'nokkel-likeperson',
  redirect_uri: page,
  scope: 'openid name phoneNumber',
  code_challenge_method: 'S256',
  code_challenge: expected.codeChallenge,
  state: expected.state,
  nonce: expected.nonce,
}
const pushed = {
  client_id: 'nokkel-likeperson',
  request_uri: 'urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c',
}

function urlOf(parameters: Record<string, string>, base = 'https://login.example.no/authorize'): string {
  return `${base}?${new URLSearchParams(parameters)}`
}

const without = (name: string) => Object.fromEntries(Object.entries(right).filter(([key]) => key !== name))

describe('checkAuthorizationUrl', () => {
  it.each([
    ['its own values', urlOf(right)],
    ['its own values, on this machine', urlOf(right, 'http://localhost:3000/sandbox')],
    ['the way back to our app', urlOf({ ...right, redirect_uri: app })],
    ['less than was agreed to', urlOf({ ...right, scope: 'openid' })],
    [
      'what tells an app of the provider where to go',
      urlOf({
        ...right,
        requested_flow: 'app_to_app_v2',
        final_redirect_is_app: 'true',
        market: 'NO',
        acr_values: 'x',
      }),
    ],
  ])('takes a URL with %s', (_, url) => {
    expect(checkAuthorizationUrl(url, expected).href).toBe(new URL(url).href)
  })

  it.each([
    ['another state', urlOf({ ...right, state: 'x'.repeat(43) })],
    ['another nonce', urlOf({ ...right, nonce: 'x'.repeat(43) })],
    ['another challenge', urlOf({ ...right, code_challenge: 'x'.repeat(43) })],
    ['the plain method', urlOf({ ...right, code_challenge_method: 'plain' })],
    ['no method, which means plain', urlOf(without('code_challenge_method'))],
    ['no nonce', urlOf(without('nonce'))],
    ['an implicit response type', urlOf({ ...right, response_type: 'id_token' })],
    ['a second state', `${urlOf(right)}&state=${right.state}`],
    ['a second scope', `${urlOf(right)}&scope=openid`],
    ['a second parameter of any name', `${urlOf({ ...right, market: 'NO' })}&market=SE`],
    ['http to elsewhere', urlOf(right, 'http://login.example.no/authorize')],
    ['a name and a password', urlOf(right, 'https://bankid.no:x@elsewhere.example/authorize')],
    ['a script', urlOf(right, 'javascript:alert(1)//')],
    ['something that is no URL', 'authorize'],
    ['no way back', urlOf(without('redirect_uri'))],
    [
      'a way back to elsewhere',
      urlOf({ ...right, redirect_uri: 'https://elsewhere.example/callback/vipps/likeperson' }),
    ],
    ['the way back of another organisation', urlOf({ ...right, redirect_uri: `${page}-two` })],
    ['the way back of the other provider', urlOf({ ...right, redirect_uri: page.replace('vipps', 'bankid') })],
    ['a way back with something appended', urlOf({ ...right, redirect_uri: `${page}?next=x` })],
    ['no scope', urlOf(without('scope'))],
    ['a scope without openid', urlOf({ ...right, scope: 'name' })],
    ['the number, to which nobody agreed', urlOf({ ...right, scope: 'openid name nin' })],
    ['the number at BankID', urlOf({ ...right, scope: 'openid nnin_altsub' })],
    ['the number at BankID as it was', urlOf({ ...right, scope: 'openid nnin' })],
    ['the number at a broker', urlOf({ ...right, scope: 'openid ssn' })],
    ['the address, to which nobody agreed', urlOf({ ...right, scope: 'openid address' })],
    ['a scope that nobody knows', urlOf({ ...right, scope: 'openid delegatedConsents' })],
    ['a scope of the name of a member of objects', urlOf({ ...right, scope: 'openid constructor' })],
    ['a list of claims', urlOf({ ...right, claims: '{"userinfo":{"nin":null}}' })],
    ['a request object', urlOf({ ...right, request: 'a.b.c' })],
    ['a request from elsewhere', urlOf({ ...right, request_uri: 'https://elsewhere.example/request' })],
    ['a pushed request, without a hint', urlOf(pushed)],
  ])('refuses %s', (_, url) => {
    expect(() => checkAuthorizationUrl(url, expected)).toThrow(
      expect.objectContaining({ code: 'login_state_mismatch' }),
    )
  })

  it('takes the number where the person agreed to it', () => {
    const agreed = { ...expected, shares: [...expected.shares, 'personnummer' as const] }
    for (const scope of ['openid name nin', 'openid nnin_altsub', 'openid ssn']) {
      expect(checkAuthorizationUrl(urlOf({ ...right, scope }), agreed).searchParams.get('scope')).toBe(scope)
    }
  })

  const hinted = { ...expected, hint: '01010112345' }
  it.each([
    ['a pushed request', urlOf(pushed)],
    ['a pushed request that says code', urlOf({ ...pushed, response_type: 'code' })],
    ['its own values, when the hint was left out', urlOf(right)],
  ])('with a hint takes %s', (_, url) => {
    expect(checkAuthorizationUrl(url, hinted).href).toBe(new URL(url).href)
  })

  it.each([
    ['a pushed request with more', urlOf({ ...pushed, scope: 'openid nin' })],
    ['a pushed request with a state', urlOf({ ...pushed, state: right.state })],
    ['two pushed requests', `${urlOf(pushed)}&request_uri=x`],
    ['a pushed request of another type', urlOf({ ...pushed, response_type: 'token' })],
    ['a pushed request of two types', `${urlOf({ ...pushed, response_type: 'code' })}&response_type=code`],
    ['an empty pushed request', urlOf({ ...pushed, request_uri: '' })],
    ['a pushed request over http', urlOf(pushed, 'http://login.example.no/authorize')],
    ['the hint in the URL', urlOf({ ...right, login_hint: 'nnin:01010112345' })],
  ])('with a hint refuses %s', (_, url) => {
    expect(() => checkAuthorizationUrl(url, hinted)).toThrow(expect.objectContaining({ code: 'login_state_mismatch' }))
  })
})

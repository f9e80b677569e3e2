import { describe, expect, it } from 'vitest'
import { checkAuthorizationUrl } from './authorization-url.ts'

const expected = { state: 's'.repeat(43), nonce: 'n'.repeat(43), codeChallenge: 'c'.repeat(43) }
const right = {
  response_type: 'code',
  client_id: 'nokkel-likeperson',
  code_challenge_method: 'S256',
  code_challenge: expected.codeChallenge,
  state: expected.state,
  nonce: expected.nonce,
}

function urlOf(parameters: Record<string, string>, base = 'https://login.example.no/authorize'): string {
  return `${base}?${new URLSearchParams(parameters)}`
}

describe('checkAuthorizationUrl', () => {
  it('takes a URL with its own values, over https or to this machine', () => {
    expect(checkAuthorizationUrl(urlOf(right), expected).hostname).toBe('login.example.no')
    expect(checkAuthorizationUrl(urlOf(right, 'http://localhost:3000/sandbox'), expected).port).toBe('3000')
  })

  const without = (name: string) => Object.fromEntries(Object.entries(right).filter(([key]) => key !== name))
  it.each([
    ['another state', urlOf({ ...right, state: 'x'.repeat(43) })],
    ['another nonce', urlOf({ ...right, nonce: 'x'.repeat(43) })],
    ['another challenge', urlOf({ ...right, code_challenge: 'x'.repeat(43) })],
    ['the plain method', urlOf({ ...right, code_challenge_method: 'plain' })],
    ['no method, which means plain', urlOf(without('code_challenge_method'))],
    ['no nonce', urlOf(without('nonce'))],
    ['an implicit response type', urlOf({ ...right, response_type: 'id_token' })],
    ['a second state', `${urlOf(right)}&state=x`],
    ['http to elsewhere', urlOf(right, 'http://login.example.no/authorize')],
    ['a script', urlOf(right, 'javascript:alert(1)//')],
    ['something that is no URL', 'authorize'],
  ])('refuses %s', (_, url) => {
    expect(() => checkAuthorizationUrl(url, expected)).toThrow(
      expect.objectContaining({ code: 'login_state_mismatch' }),
    )
  })
})

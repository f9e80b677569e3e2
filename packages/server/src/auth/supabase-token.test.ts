import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusalOf } from '../../../../tools/testing/people.ts'
import { createSupabaseTokens, type SupabaseProject, type VerifySupabaseToken } from './supabase-token.ts'

const issuer = 'https://project.supabase.example/auth/v1'
const sub = '0d1f6a4e-7c37-4c4b-9c39-6f0a3f0e7a11'
const now = () => new Date('2026-11-21T12:00:00Z')
const seconds = now().getTime() / 1000
const options = { production: true, timeoutSeconds: 1, now }
const loggedIn = (ago: number, method = 'password') => ({ method, timestamp: seconds - ago })
const claims = {
  iss: issuer,
  aud: 'authenticated',
  sub,
  role: 'authenticated',
  iat: seconds - 60,
  exp: seconds + 60,
  amr: [loggedIn(60)],
}

describe('an access token of Supabase', () => {
  let signing: CryptoKeyPair
  let rsa: CryptoKeyPair
  let project: SupabaseProject
  let verify: VerifySupabaseToken
  const token = (changes: JWTPayload = {}, key = signing, alg = 'ES256', kid = 'one') =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg, kid, typ: 'JWT' }).sign(key.privateKey)

  beforeAll(async () => {
    signing = await generateKeyPair('ES256')
    rsa = await generateKeyPair('RS256')
    const keys = [
      { ...(await exportJWK(signing.publicKey)), kid: 'one', alg: 'ES256' },
      { ...(await exportJWK(rsa.publicKey)), kid: 'two', alg: 'RS256' },
    ]
    project = { issuer, jwks: { keys } }
    verify = createSupabaseTokens(project, options)
  })

  it('says whose account it is', async () => {
    expect(await verify(await token())).toBe(sub)
    expect(await verify(await token({ sub: sub.toUpperCase(), is_anonymous: false }))).toBe(sub)
    expect(await verify(await token({}, rsa, 'RS256', 'two'))).toBe(sub)
    expect(await verify(await token({ aud: ['other', 'authenticated'] }))).toBe(sub)
  })

  it.each([
    ['another issuer', { iss: 'https://else.supabase.example/auth/v1' }],
    ['no issuer', { iss: undefined }],
    ['another audience', { aud: 'else' }],
    ['no audience', { aud: undefined }],
    ['expired', { exp: seconds - 1 }],
    ['without an end', { exp: undefined }],
    ['not valid yet', { nbf: seconds + 60 }],
    ['of nobody', { sub: undefined }],
    ['of somebody without an id', { sub: 'kari' }],
    ['of the service', { role: 'service_role' }],
    ['of somebody who is not logged in', { role: 'anon' }],
    ['without a role', { role: undefined }],
    ['of an anonymous person', { is_anonymous: true }],
    ['that says something else of that', { is_anonymous: 'true' }],
    ['that does not say how', { amr: undefined }],
    ['that says it of nothing', { amr: [] }],
    ['that does not say when', { amr: ['password', { method: 'otp' }] }],
    ['that says it in words', { amr: [{ method: 'password', timestamp: 'now' }] }],
    ['of somebody who will log in', { amr: [loggedIn(-3600)] }],
    ['that was only renewed', { amr: [loggedIn(10, 'token_refresh')] }],
  ])('%s is not taken', async (_, changes) => {
    const defined = Object.fromEntries(
      Object.entries({ ...claims, ...changes }).filter(([, value]) => value !== undefined),
    )
    const made = await new SignJWT(defined).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(signing.privateKey)
    expect(await refusalOf(verify(made))).toBe('supabase_token_invalid')
  })

  it.each<[string, unknown[], string]>([
    ['4:59', [loggedIn(299)], sub],
    ['five minutes', [loggedIn(300)], sub],
    ['5:01', [loggedIn(301)], 'login_too_old'],
    ['4:59 the second time', [loggedIn(7200), loggedIn(299, 'totp')], sub],
    ['5:01 the second time', [loggedIn(301, 'totp'), loggedIn(7200)], 'login_too_old'],
    ['a day, and renewed', [loggedIn(86_400), loggedIn(10, 'token_refresh')], 'login_too_old'],
    ['a clock that is a little behind', [loggedIn(-30)], sub],
    ['4:59, and said in the short form too', ['password', loggedIn(299)], sub],
  ])('is of a login not older than five minutes: %s', async (_, amr, expected) => {
    const outcome = token({ amr }).then(verify)
    if (expected === sub) expect(await outcome).toBe(sub)
    else expect(await refusalOf(outcome)).toBe(expected)
  })

  it('is not taken with another signature', async () => {
    const foreign = await generateKeyPair('ES256')
    expect(await refusalOf(verify(await token({}, foreign)))).toBe('supabase_token_invalid')
    expect(await refusalOf(verify(await token({}, signing, 'ES256', 'three')))).toBe('supabase_token_invalid')
    const shared = new TextEncoder().encode('a secret that a project had before it had keys')
    const symmetric = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(shared)
    expect(await refusalOf(verify(symmetric))).toBe('supabase_token_invalid')
    const [, payload] = (await token()).split('.')
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
    expect(await refusalOf(verify(`${none}.${payload}.`))).toBe('supabase_token_invalid')
    expect(await refusalOf(verify('x'))).toBe('supabase_token_invalid')
  })

  it('of another audience is taken where that is said', async () => {
    const own = createSupabaseTokens({ ...project, audience: 'nokkel' }, options)
    expect(await own(await token({ aud: 'nokkel' }))).toBe(sub)
    expect(await refusalOf(own(await token()))).toBe('supabase_token_invalid')
  })

  it.each([
    ['no URL', { issuer: 'project', jwks: { keys: [] } }],
    ['an issuer without TLS', { issuer: 'http://project.example', jwks: { keys: [] } }],
    ['keys without TLS', { issuer, jwksUrl: 'http://project.example/keys' }],
    ['keys in a file', { issuer, jwksUrl: 'file:///etc/keys' }],
  ])('is of no project with %s', (_, wrong) => {
    expect(() => createSupabaseTokens(wrong, options)).toThrow(TypeError)
  })

  describe('with keys elsewhere', () => {
    let answer: { status: number; body: string }
    let close: () => void
    let jwksUrl: string
    beforeAll(async () => {
      const host = createServer((_, res) => res.writeHead(answer.status).end(answer.body))
      await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
      jwksUrl = `http://localhost:${(host.address() as AddressInfo).port}/keys`
      close = () => host.close()
    })
    afterAll(() => close())
    const remote = (url = jwksUrl) => createSupabaseTokens({ issuer, jwksUrl: url }, { ...options, production: false })

    it('is checked by them', async () => {
      answer = { status: 200, body: JSON.stringify(project.jwks) }
      expect(await remote()(await token())).toBe(sub)
      expect(await refusalOf(remote()(await token({ aud: 'else' })))).toBe('supabase_token_invalid')
    })

    it.each([
      ['fail', { status: 500, body: '' }],
      ['are no keys', { status: 200, body: '{}' }],
      ['are no JSON', { status: 200, body: '<' }],
    ])('is neither taken nor called wrong when they %s', async (_, failing) => {
      answer = failing
      expect(await refusalOf(remote()(await token()))).toBe('provider_unreachable')
    })

    it('is neither taken nor called wrong when nobody answers', async () => {
      expect(await refusalOf(remote('http://localhost:1/keys')(await token()))).toBe('provider_unreachable')
    })
  })
})

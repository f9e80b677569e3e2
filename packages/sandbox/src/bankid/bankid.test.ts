import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signIn } from '../sign-in.ts'
import { bankidAltsub } from '../subjects.ts'
import { beginLogin, client, type RunningSandbox, startSandbox } from '../testing/sandbox-harness.ts'

const keys = await generateKeyPair('ES256')
let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox({
    clients: {
      bankid: [
        client('trusted', { nationalNumber: true }),
        client('plain'),
        client('post', { authentication: 'client_secret_post' }),
        {
          clientId: 'signed',
          redirectUris: ['http://localhost:3000/callback'],
          jwks: { keys: [{ ...(await exportJWK(keys.publicKey)), kty: 'EC', alg: 'ES256', use: 'sig' }] },
        },
      ],
    },
  })
})
afterAll(() => running.stop())

test('discovery is that of BankID version 4', async () => {
  const { issuer } = running.sandbox.bankid
  const response = await fetch(`${issuer}/.well-known/openid-configuration`)
  expect(issuer).toBe(`${running.origin}/sandbox/bankid/auth/realms/current`)
  expect(await response.json()).toMatchObject({
    testing_only: 'TESTING ONLY / KUN FOR TEST',
    issuer,
    authorization_endpoint: `${issuer}/protocol/openid-connect/auth`,
    token_endpoint: `${issuer}/protocol/openid-connect/token`,
    userinfo_endpoint: `${issuer}/protocol/openid-connect/userinfo`,
    jwks_uri: `${issuer}/protocol/openid-connect/certs`,
    pushed_authorization_request_endpoint: `${issuer}/protocol/openid-connect/ext/par/request`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code'],
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
    acr_values_supported: ['urn:bankid:bid', 'urn:bankid:bis'],
    scopes_supported: ['openid', 'profile', 'nnin_altsub'],
    authorization_response_iss_parameter_supported: true,
  })
})

test('publishes public keys only', async () => {
  const { keys: published } = await (
    await fetch(`${running.sandbox.bankid.issuer}/protocol/openid-connect/certs`)
  ).json()
  expect(published).toHaveLength(1)
  expect(Object.keys(published[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})

test('a login yields every claim in the ID Token', async () => {
  const login = await beginLogin(running, 'bankid', { parameters: { acr_values: 'urn:bankid:bid' } })
  const tokens = await login.exchange(await login.signIn())
  const claims = tokens.claims()
  expect(claims).toEqual({
    iss: running.sandbox.bankid.issuer,
    aud: 'trusted',
    azp: 'trusted',
    iat: expect.any(Number),
    exp: expect.any(Number),
    jti: expect.any(String),
    nonce: expect.any(String),
    at_hash: expect.any(String),
    sid: expect.any(String),
    typ: 'ID',
    api_ver: 'v4',
    acr: 'urn:bankid:bid;LOA=4',
    amr: ['bid'],
    sub: expect.any(String),
    bankid_altsub: bankidAltsub('likeperson-medlem-1'),
    name: 'Kari Nordmann',
    given_name: 'Kari',
    family_name: 'Nordmann',
    birthdate: '1988-11-02',
    nnin_altsub: '02918800045',
  })
  expect(claims?.sub).not.toBe(claims?.bankid_altsub)
  expect(tokens.refresh_token).toBeUndefined()
})

test('openid alone is anonymous', async () => {
  const login = await beginLogin(running, 'bankid', { scope: 'openid' })
  const claims = (await login.exchange(await login.signIn())).claims()
  expect(claims).toHaveProperty('bankid_altsub')
  for (const name of ['name', 'birthdate', 'nnin_altsub']) expect(claims).not.toHaveProperty(name)
})

test('userinfo agrees with the ID Token and holds no national number', async () => {
  const login = await beginLogin(running, 'bankid')
  const tokens = await login.exchange(await login.signIn())
  const userinfo = await login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')
  expect(userinfo).toMatchObject({ name: 'Kari Nordmann', bankid_altsub: bankidAltsub('likeperson-medlem-1') })
  expect(userinfo).not.toHaveProperty('nnin_altsub')
})

test('a client that is not eligible may not ask for the national number', async () => {
  const login = await beginLogin(running, 'bankid', { clientId: 'plain' })
  await expect(login.exchange(await login.signIn())).rejects.toMatchObject({ error: 'invalid_scope' })
})

test('a person without a national number logs in without one', async () => {
  const login = await beginLogin(running, 'bankid')
  const claims = (await login.exchange(await login.signIn({ person: 'uten-fnr' }))).claims()
  expect(claims).toMatchObject({ name: 'Ulrik Moe' })
  expect(claims).not.toHaveProperty('nnin_altsub')
})

test('the client can authenticate with client_secret_post', async () => {
  const login = await beginLogin(running, 'bankid', {
    clientId: 'post',
    scope: 'openid profile',
    authentication: oidc.ClientSecretPost('sandbox-client-secret'),
  })
  expect((await login.exchange(await login.signIn())).claims()).toMatchObject({ aud: 'post' })
})

test('the client can authenticate with private_key_jwt, and push its request', async () => {
  const login = await beginLogin(running, 'bankid', {
    clientId: 'signed',
    scope: 'openid profile',
    authentication: oidc.PrivateKeyJwt(keys.privateKey),
  })
  const pushed = await oidc.buildAuthorizationUrlWithPAR(login.configuration, login.url.searchParams)
  expect([...pushed.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
  pushed.searchParams.set('response_type', 'code')
  const callback = await signIn(pushed, { person: 'hjertelaget-koordinator' })
  expect((await login.exchange(callback)).claims()).toMatchObject({ name: 'Magnus Haugland', aud: 'signed' })
})

test('a request that was pushed says response_type in the query all the same', async () => {
  const login = await beginLogin(running, 'bankid')
  const pushed = await oidc.buildAuthorizationUrlWithPAR(login.configuration, login.url.searchParams)
  const { searchParams } = new URL(await signIn(pushed, { person: 'likeperson-medlem-1' }))
  expect(searchParams.get('error')).toBe('invalid_request')
  expect(searchParams.get('error_description')).toBe('response_type is required')
})

test('an assertion for another audience than the issuer is refused', async () => {
  for (const audience of ['/protocol/openid-connect/token', '/protocol/openid-connect/ext/par/request']) {
    const { issuer } = running.sandbox.bankid
    const login = await beginLogin(running, 'bankid', {
      clientId: 'signed',
      scope: 'openid profile',
      authentication: oidc.PrivateKeyJwt(keys.privateKey, {
        [oidc.modifyAssertion](_, payload) {
          payload.aud = `${issuer}${audience}`
        },
      }),
    })
    await expect(login.exchange(await login.signIn())).rejects.toMatchObject({ error: 'invalid_client' })
    const pushed = oidc.buildAuthorizationUrlWithPAR(login.configuration, login.url.searchParams)
    await expect(pushed).rejects.toMatchObject({ error: 'invalid_client' })
  }
})

describe('a national number in login_hint', () => {
  const pushed = async (hint: string, parameters: Record<string, string> = {}) => {
    const login = await beginLogin(running, 'bankid', { parameters: { ...parameters, login_hint: hint } })
    const url = await oidc.buildAuthorizationUrlWithPAR(login.configuration, login.url.searchParams)
    url.searchParams.set('response_type', 'code')
    expect(url.href).not.toMatch(/\d{11}/)
    return { ...login, signIn: (person: string) => signIn(url, { person }) }
  }

  test.each([':02918800045', 'BID:02918800045', '02918800045'])('is refused in the URL: %s', async (hint) => {
    const { signIn } = await beginLogin(running, 'bankid', { parameters: { login_hint: hint } })
    expect(new URL(await signIn()).searchParams.get('error')).toBe('invalid_request')
  })

  test('pushed, leaves only the person it is of', async () => {
    const login = await pushed(':02918800045')
    await expect(login.signIn('ny-person')).rejects.toMatchObject({ code: 'person_unknown' })
    const claims = (await login.exchange(await login.signIn('likeperson-medlem-1'))).claims()
    expect(claims).toMatchObject({ name: 'Kari Nordmann', nnin_altsub: '02918800045' })
  })

  test('pushed, is not passed by with other details', async () => {
    const login = await pushed(':02918800045')
    const { url } = login
    expect(url.searchParams.get('login_hint')).toBe(':02918800045')
    const person = { id: 'likeperson-medlem-1', nationalNumber: '02918800126' }
    const request = await oidc.buildAuthorizationUrlWithPAR(login.configuration, url.searchParams)
    request.searchParams.set('response_type', 'code')
    await expect(signIn(request, { person })).rejects.toMatchObject({ code: 'page_unexpected' })
  })

  test('pushed, of nobody, leaves nobody', async () => {
    const login = await pushed(':02918800126')
    await expect(login.signIn('likeperson-medlem-1')).rejects.toMatchObject({ code: 'person_unknown' })
  })
})

test('biometrics, when asked for, are the lower level', async () => {
  const login = await beginLogin(running, 'bankid', { parameters: { acr_values: 'urn:bankid:bis' } })
  expect((await login.exchange(await login.signIn())).claims()).toMatchObject({
    acr: 'urn:bankid:bis;LOA=3',
    amr: ['bis'],
  })
})

test('an app is returned to by a universal link', async () => {
  const taken = await beginLogin(running, 'bankid', {
    parameters: { app_callback_uri: 'https://app.example.no/bankid' },
  })
  expect(new URL(await taken.signIn()).searchParams.has('code')).toBe(true)
  const refused = await beginLogin(running, 'bankid', { parameters: { app_callback_uri: 'no.example.app://bankid' } })
  expect(new URL(await refused.signIn()).searchParams.get('error')).toBe('invalid_request')
})

test('a wrong secret is refused', async () => {
  const login = await beginLogin(running, 'bankid', { authentication: oidc.ClientSecretBasic('another-secret') })
  await expect(login.exchange(await login.signIn())).rejects.toMatchObject({ status: 401 })
})

test.each([
  ['state', 'invalid_request'],
  ['nonce', 'invalid_request'],
  ['code_challenge', 'invalid_request'],
  ['response_type', 'invalid_request'],
])('a request without %s is sent back with %s', async (parameter, error) => {
  const { url, signIn } = await beginLogin(running, 'bankid')
  url.searchParams.delete(parameter)
  if (parameter === 'code_challenge') url.searchParams.delete('code_challenge_method')
  const callback = new URL(await signIn())
  expect(callback.searchParams.get('error')).toBe(error)
  expect(callback.searchParams.get('code')).toBeNull()
})

test('the PKCE method plain is refused', async () => {
  const { url, signIn } = await beginLogin(running, 'bankid')
  url.searchParams.set('code_challenge_method', 'plain')
  expect(new URL(await signIn()).searchParams.get('error')).toBe('invalid_request')
})

test('a wrong verifier is refused', async () => {
  const login = await beginLogin(running, 'bankid')
  login.url.searchParams.set('code_challenge', await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier()))
  await expect(login.exchange(await login.signIn())).rejects.toMatchObject({ error: 'invalid_grant' })
})

test('a code works once', async () => {
  const login = await beginLogin(running, 'bankid')
  const callback = await login.signIn()
  await login.exchange(callback)
  await expect(login.exchange(callback)).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
})

test('an unregistered redirect URI is shown as an error and never followed', async () => {
  const { url } = await beginLogin(running, 'bankid')
  url.searchParams.set('redirect_uri', 'http://localhost:3000/elsewhere')
  const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } })
  expect(response.status).toBe(400)
  expect(response.headers.get('location')).toBeNull()
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(await response.text()).toContain('invalid_redirect_uri')
})

test('prompt=none finds nobody logged in, even after a login', async () => {
  await (await beginLogin(running, 'bankid')).signIn()
  const { signIn } = await beginLogin(running, 'bankid', { parameters: { prompt: 'none' } })
  expect(new URL(await signIn()).searchParams.get('error')).toBe('login_required')
})

test('the clock of the ID Token is the one given', async () => {
  const earlier = await startSandbox({ now: () => new Date('2020-01-01T00:00:00Z') })
  const login = await beginLogin(earlier, 'bankid')
  const response = login.exchange(await login.signIn())
  await expect(response).rejects.toMatchObject({ code: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED' })
  await earlier.stop()
})

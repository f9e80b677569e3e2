import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { vippsSubject } from '../subjects.ts'
import { beginLogin, client, REDIRECT_URI, type RunningSandbox, startSandbox } from '../testing/sandbox-harness.ts'

let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox({
    clients: {
      vipps: [
        client('trusted', { nationalNumber: true, merchantSerialNumber: '123456' }),
        client('plain'),
        client('post', { authentication: 'client_secret_post' }),
      ],
    },
  })
})
afterAll(() => running.stop())

async function userinfoOf(person: string, request: Parameters<typeof beginLogin>[2] = {}) {
  const login = await beginLogin(running, 'vipps', request)
  const tokens = await login.exchange(await login.signIn({ person }))
  return login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')
}

test('discovery is that of Vipps, with userinfo outside the issuer', async () => {
  const { issuer } = running.sandbox.vipps
  expect(issuer).toBe(`${running.origin}/sandbox/vipps/access-management-1.0/access/`)
  const response = await fetch(`${issuer}.well-known/openid-configuration`)
  expect(response.headers.get('cache-control')).toBe('max-age=3600')
  const document = await response.json()
  expect(document).toMatchObject({
    testing_only: 'TESTING ONLY / KUN FOR TEST',
    issuer,
    authorization_endpoint: `${issuer}oauth2/auth`,
    token_endpoint: `${issuer}oauth2/token`,
    revocation_endpoint: `${issuer}oauth2/revoke`,
    jwks_uri: `${issuer}.well-known/jwks.json`,
    userinfo_endpoint: `${running.origin}/sandbox/vipps/vipps-userinfo-api/userinfo`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code'],
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
  })
  for (const absent of ['authorization_response_iss_parameter_supported', 'pushed_authorization_request_endpoint']) {
    expect(document).not.toHaveProperty(absent)
  }
})

test('the issuer without its trailing slash is not found by discovery', async () => {
  const withoutSlash = new URL(running.sandbox.vipps.issuer.slice(0, -1))
  const options = { execute: [oidc.allowInsecureRequests] }
  await expect(oidc.discovery(withoutSlash, 'trusted', undefined, undefined, options)).rejects.toThrow()
})

test('the ID Token names the person by subject only', async () => {
  const login = await beginLogin(running, 'vipps')
  const callback = await login.signIn()
  const tokens = await login.exchange(callback)
  expect(tokens.claims()).toEqual({
    iss: running.sandbox.vipps.issuer,
    aud: ['trusted'],
    sub: vippsSubject('trusted', 'likeperson-medlem-1'),
    iat: expect.any(Number),
    rat: expect.any(Number),
    auth_time: expect.any(Number),
    exp: expect.any(Number),
    jti: expect.any(String),
    nonce: expect.any(String),
    at_hash: expect.any(String),
    msn: '123456',
  })
  expect(tokens.refresh_token).toBeUndefined()
  expect(tokens.expires_in).toBe(3599)
  expect(tokens.access_token).not.toContain('.')
  expect(Object.fromEntries(new URL(callback).searchParams)).toEqual({
    code: expect.any(String),
    state: login.state,
    scope: 'openid name phoneNumber email address birthDate gender nin',
  })
})

test('userinfo has the claims of Vipps, under its names', async () => {
  expect(await userinfoOf('likeperson-medlem-1')).toEqual({
    sub: vippsSubject('trusted', 'likeperson-medlem-1'),
    sid: expect.any(String),
    name: 'Kari Nordmann',
    given_name: 'Kari',
    family_name: 'Nordmann',
    birthdate: '1988-11-02',
    gender: 'female',
    phone_number: '4700000002',
    phone_number_verified: true,
    email: 'likeperson-medlem-1@person.example',
    email_verified: true,
    nin: '02918800045',
    address: {
      address_type: 'home',
      country: 'NO',
      formatted: 'Prøvegata 12\nH0302\n0603\nOSLO\nNO',
      postal_code: '0603',
      region: 'OSLO',
      street_address: 'Prøvegata 12\nH0302',
    },
    other_addresses: [
      expect.objectContaining({ address_type: 'work' }),
      expect.objectContaining({ address_type: 'other' }),
    ],
  })
})

test('a person without an address has one of empty texts', async () => {
  expect(await userinfoOf('uten-adresse')).toMatchObject({
    address: { address_type: '', country: '', formatted: '', postal_code: '', region: '', street_address: '' },
    other_addresses: [],
  })
})

test('only the scopes asked for are answered', async () => {
  expect(Object.keys(await userinfoOf('ny-person', { scope: 'openid phoneNumber' })).sort()).toEqual([
    'phone_number',
    'phone_number_verified',
    'sid',
    'sub',
  ])
})

test('nin is left out, without an error, for a client that is not allowed it and a person who has none', async () => {
  expect(await userinfoOf('likeperson-medlem-1', { clientId: 'plain' })).not.toHaveProperty('nin')
  expect(await userinfoOf('uten-fnr')).not.toHaveProperty('nin')
})

test('a person has another subject at another sales unit', async () => {
  const [here, there] = [await userinfoOf('ny-person'), await userinfoOf('ny-person', { clientId: 'plain' })]
  expect(here.sub).not.toBe(there.sub)
})

test('acr is in the ID Token only when confirmation in the app was asked for', async () => {
  const acr = 'urn:vipps:acr:app_auth'
  const login = await beginLogin(running, 'vipps', { parameters: { acr_values: acr } })
  expect((await login.exchange(await login.signIn())).claims()).toMatchObject({ acr })
})

test('a request without a nonce yields an empty one', async () => {
  const login = await beginLogin(running, 'vipps')
  login.url.searchParams.delete('nonce')
  await expect(login.exchange(await login.signIn())).rejects.toMatchObject({
    cause: { cause: { claim: 'nonce', claims: { nonce: '' } } },
  })
})

test('userinfo refuses a subscription key, a foreign token and none', async () => {
  const login = await beginLogin(running, 'vipps')
  const tokens = await login.exchange(await login.signIn())
  const endpoint = login.configuration.serverMetadata().userinfo_endpoint ?? ''
  const authorization = `Bearer ${tokens.access_token}`
  const status = async (headers: Record<string, string>) => (await fetch(endpoint, { headers })).status
  expect(await status({ authorization })).toBe(200)
  expect(await status({ authorization, 'ocp-apim-subscription-key': 'key' })).toBe(401)
  expect(await status({ authorization: 'Bearer foreign' })).toBe(401)
  expect(await status({})).toBe(401)
})

test('userinfo is not below the issuer', async () => {
  const response = await fetch(`${running.sandbox.vipps.issuer}vipps-userinfo-api/userinfo`)
  expect(response.status).toBe(404)
})

test('a revoked access token opens nothing', async () => {
  const login = await beginLogin(running, 'vipps')
  const tokens = await login.exchange(await login.signIn())
  await oidc.tokenRevocation(login.configuration, tokens.access_token)
  await expect(login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')).rejects.toThrow()
})

test('the client can authenticate with client_secret_post, where it is switched on', async () => {
  const authentication = oidc.ClientSecretPost('sandbox-client-secret')
  const allowed = await beginLogin(running, 'vipps', { clientId: 'post', authentication })
  expect((await allowed.exchange(await allowed.signIn())).claims()).toMatchObject({ aud: ['post'] })
})

test.each([undefined, '', 'short12'])('the state %j is sent back with an error', async (state) => {
  const { url, signIn } = await beginLogin(running, 'vipps')
  if (state === undefined) url.searchParams.delete('state')
  else url.searchParams.set('state', state)
  const callback = await signIn()
  expect(callback.startsWith(REDIRECT_URI)).toBe(true)
  expect(new URL(callback).searchParams.get('error')).toBe('invalid_request')
})

test('PKCE is required, with S256', async () => {
  for (const change of ['plain', null]) {
    const { url, signIn } = await beginLogin(running, 'vipps')
    if (change) url.searchParams.set('code_challenge_method', change)
    else url.searchParams.delete('code_challenge')
    expect(new URL(await signIn()).searchParams.get('error')).toBe('invalid_request')
  }
})

test('neither a refresh token nor another grant can be had', async () => {
  const { token_endpoint: endpoint = '' } = (await beginLogin(running, 'vipps')).configuration.serverMetadata()
  for (const grantType of ['refresh_token', 'client_credentials', 'password']) {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('trusted:sandbox-client-secret')}` },
      body: new URLSearchParams({ grant_type: grantType, refresh_token: 'any' }),
    })
    expect(await response.json()).toMatchObject({ error: 'unsupported_grant_type' })
  }
})

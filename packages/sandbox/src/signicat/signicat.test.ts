import { afterAll, beforeAll, expect, test } from 'vitest'
import { bankidAltsub } from '../subjects.ts'
import { beginLogin, type LoginRequest, type RunningSandbox, startSandbox } from '../testing/sandbox-harness.ts'

let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox()
})
afterAll(() => running.stop())

async function logIn(request: LoginRequest = {}, person = 'likeperson-medlem-1') {
  const login = await beginLogin(running, 'signicat', request)
  const tokens = await login.exchange(await login.signIn({ person }))
  const claims = tokens.claims()
  return { claims, userinfo: await login.userinfo(tokens.access_token, claims?.sub ?? '') }
}

test('discovery is at the issuer, and iss is not announced', async () => {
  const { issuer } = running.sandbox.signicat
  expect(issuer).toBe(`${running.origin}/sandbox/signicat`)
  const document = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
  expect(document).toMatchObject({
    issuer,
    authorization_endpoint: `${issuer}/connect/authorize`,
    token_endpoint: `${issuer}/connect/token`,
    userinfo_endpoint: `${issuer}/connect/userinfo`,
    jwks_uri: `${issuer}/.well-known/openid-configuration/jwks`,
    scopes_supported: ['openid', 'profile', 'nin', 'nbid-extra', 'idp-id'],
    id_token_signing_alg_values_supported: ['RS256'],
  })
  expect(document).not.toHaveProperty('authorization_response_iss_parameter_supported')
})

test('the ID Token says that it was BankID, and userinfo who it was', async () => {
  const altsub = bankidAltsub('likeperson-medlem-1')
  const { claims, userinfo } = await logIn()
  expect(claims).toEqual({
    iss: running.sandbox.signicat.issuer,
    aud: 'trusted',
    nbf: expect.any(Number),
    iat: expect.any(Number),
    auth_time: expect.any(Number),
    exp: expect.any(Number),
    nonce: expect.any(String),
    at_hash: expect.any(String),
    sid: expect.any(String),
    sub: expect.any(String),
    idp: 'nbid',
    amr: ['external'],
  })
  expect(userinfo).toEqual({
    sub: claims?.sub,
    name: 'Kari Nordmann',
    given_name: 'Kari',
    family_name: 'Nordmann',
    birthdate: '1988-11-02',
    idp_id: altsub,
    nbid_sid: claims?.sid,
    nbid_acr: 'urn:bankid:bid;LOA=4',
    nbid_amr: 'bid',
    nbid_idp: 'BID',
    nbid_alternative_subject: altsub,
    nbid_subject_uuid: expect.any(String),
    nin: '02918800045',
    nin_type: 'BIRTH',
    nin_issuing_country: 'NO',
  })
  expect(claims?.sub).not.toBe(altsub)
})

test('biometrics, when asked for, are the lower level', async () => {
  const { userinfo } = await logIn({ parameters: { acr_values: 'idp:nbid nbid_idp:BIS' } })
  expect(userinfo).toMatchObject({ nbid_acr: 'urn:bankid:bis;LOA=3', nbid_idp: 'BIS' })
})

test('only the scopes asked for are answered', async () => {
  const { userinfo } = await logIn({ scope: 'openid' })
  expect(Object.keys(userinfo)).toEqual(['sub'])
})

test('a person without a national number logs in without one; a client without the scope may not ask', async () => {
  const { userinfo } = await logIn({}, 'uten-fnr')
  for (const name of ['nin', 'nin_type', 'nin_issuing_country']) expect(userinfo).not.toHaveProperty(name)
  const login = await beginLogin(running, 'signicat', { clientId: 'plain' })
  expect(new URL(await login.signIn()).searchParams.get('error')).toBe('invalid_scope')
})

test.each(['', 'idp:sbid', 'nbid_idp:BID'])('acr_values %j are refused', async (acrValues) => {
  const login = await beginLogin(running, 'signicat', { parameters: { acr_values: acrValues } })
  expect(new URL(await login.signIn()).searchParams.get('error')).toBe('invalid_request')
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import { bankidAltsub, iduraSubject } from '../subjects.ts'
import { beginLogin, type LoginRequest, type RunningSandbox, startSandbox } from '../testing/sandbox-harness.ts'

const BANKID = 'urn:grn:authn:no:bankid'
const VIPPS = 'urn:grn:authn:no:vipps'
let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox()
})
afterAll(() => running.stop())

async function claimsOf(request: LoginRequest = {}, person = 'likeperson-medlem-1') {
  const login = await beginLogin(running, 'idura', request)
  const tokens = await login.exchange(await login.signIn({ person }))
  const { sub = '', ...claims } = tokens.claims() ?? {}
  const userinfo = await login.userinfo(tokens.access_token, sub)
  for (const [name, value] of Object.entries(userinfo)) expect({ sub, ...claims }).toMatchObject({ [name]: value })
  return { sub, ...claims }
}

test('discovery is at the issuer, and iss is not announced', async () => {
  const { issuer } = running.sandbox.idura
  expect(issuer).toBe(`${running.origin}/sandbox/idura`)
  const document = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
  expect(document).toMatchObject({
    issuer,
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    jwks_uri: `${issuer}/.well-known/jwks`,
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
    acr_values_supported: [BANKID, `${BANKID}:high`, `${BANKID}:substantial`, VIPPS],
  })
  expect(document).not.toHaveProperty('authorization_response_iss_parameter_supported')
  const login = await beginLogin(running, 'idura')
  expect([...new URL(await login.signIn()).searchParams.keys()].sort()).toEqual(['code', 'state'])
})

test.each([
  [BANKID, BANKID],
  [`${BANKID}:high`, `${BANKID}:high`],
  [`${BANKID}:substantial`, `${BANKID}:substantial`],
])('BankID by %s: the same bankid_altsub as from BankID itself', async (acrValues, authenticationtype) => {
  const sub = iduraSubject('nobankid-oidc', 'likeperson-medlem-1')
  expect(await claimsOf({ parameters: { acr_values: acrValues } })).toEqual({
    iss: running.sandbox.idura.issuer,
    aud: 'trusted',
    iat: expect.any(Number),
    exp: expect.any(Number),
    nonce: expect.any(String),
    at_hash: expect.any(String),
    sessionindex: expect.any(String),
    identityscheme: 'nobankid-oidc',
    authenticationtype,
    sub,
    nameidentifier: sub.replace(/[{}-]/g, ''),
    uniqueuserid: bankidAltsub('likeperson-medlem-1'),
    name: 'Kari Nordmann',
    given_name: 'Kari',
    family_name: 'Nordmann',
    birthdate: '1988-11-02',
    dateofbirth: '1988-11-02',
    country: 'NO',
    socialno: '02918800045',
  })
})

test('Vipps: what the scopes ask for, without bankid_altsub and without a word on what is verified', async () => {
  const scope = 'openid ssn address email phone birthdate'
  const claims = await claimsOf({ scope, parameters: { acr_values: VIPPS } })
  expect(claims).toMatchObject({
    identityscheme: 'novippslogin',
    authenticationtype: VIPPS,
    sub: iduraSubject('novippslogin', 'likeperson-medlem-1'),
    socialno: '02918800045',
    emailaddress: 'likeperson-medlem-1@person.example',
    mobilephone: '4700000002',
    birthdate: '1988-11-02',
    address: { street_address: 'Prøvegata 12\nH0302', postal_code: '0603', region: 'OSLO', country: 'NO' },
  })
  for (const name of ['uniqueuserid', 'email_verified', 'phone_number_verified']) {
    expect(claims).not.toHaveProperty(name)
  }
  const bare = await claimsOf({ scope: 'openid', parameters: { acr_values: VIPPS } })
  for (const name of ['socialno', 'emailaddress', 'mobilephone', 'birthdate', 'address']) {
    expect(bare).not.toHaveProperty(name)
  }
})

test('a person has one subject in the tenant for each eID, whatever the client', async () => {
  const [here, there] = [await claimsOf(), await claimsOf({ clientId: 'plain' })]
  expect(there.sub).toBe(here.sub)
  expect((await claimsOf({ parameters: { acr_values: VIPPS } })).sub).not.toBe(here.sub)
})

test('the national number is left out where it was not asked for, may not be had or does not exist', async () => {
  expect(await claimsOf({ scope: 'openid' })).not.toHaveProperty('socialno')
  expect(await claimsOf({ clientId: 'plain' })).not.toHaveProperty('socialno')
  expect(await claimsOf({}, 'uten-fnr')).not.toHaveProperty('socialno')
  expect(await claimsOf({ parameters: { scenario: 'missing-nin' } })).not.toHaveProperty('socialno')
})

test.each(['', 'urn:bankid:bid', `${BANKID} ${VIPPS}`])('acr_values %j are refused', async (acrValues) => {
  const login = await beginLogin(running, 'idura', { parameters: { acr_values: acrValues } })
  expect(new URL(await login.signIn()).searchParams.get('error')).toBe('invalid_request')
})

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { beginLogin, type RunningSandbox, startSandbox } from '../testing/sandbox-harness.ts'
import { type ScenarioName, scenariosOf } from './index.ts'
import type { ProviderName } from './scenario.ts'

let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox()
})
afterAll(() => running.stop())

const PROVIDERS = ['bankid', 'vipps', 'idura', 'signicat'] as const

async function loginWith(provider: ProviderName, name: ScenarioName) {
  const login = await beginLogin(running, provider, { parameters: { scenario: name } })
  return { login, callback: await login.signIn() }
}

/** Error of the client, or the innermost reason it has for one. */
async function reasonOf(outcome: Promise<unknown>): Promise<unknown> {
  return outcome.then(
    () => expect.fail('the client accepted it'),
    (error: Error) => error.cause ?? error,
  )
}

describe.each(PROVIDERS)('%s', (provider) => {
  const refusedBecause: [ScenarioName, object][] = [
    ['wrong-nonce', { cause: { claim: 'nonce' } }],
    ['wrong-issuer', { cause: { claim: 'iss' } }],
    ['wrong-audience', { cause: { claim: 'aud' } }],
    ['expired-id-token', { message: expect.stringContaining('"exp" (expiration time)') }],
    // Said only once a published key with the token's kid has been found.
    ['foreign-signature', { message: 'JWT signature verification failed' }],
    ['mixed-up-issuer', { message: expect.stringContaining('"iss"') }],
    ['expired-code', { error: 'invalid_grant' }],
    ['reused-code', { error: 'invalid_grant' }],
  ]

  test.each(refusedBecause)('%s is refused by a careful client', async (name, reason) => {
    const { login, callback } = await loginWith(provider, name)
    expect(await reasonOf(login.exchange(callback))).toMatchObject(reason)
  })

  test('access-denied comes back without a code', async () => {
    const { login, callback } = await loginWith(provider, 'access-denied')
    expect(new URL(callback).searchParams.has('code')).toBe(false)
    await expect(login.exchange(callback)).rejects.toMatchObject({ error: 'access_denied' })
  })

  test('failing-token answers 503 with a page, and 500 when told to', async () => {
    for (const status of [503, 500] as const) {
      running.sandbox.setScenario(provider, 'failing-token', { once: true, status })
      const login = await beginLogin(running, provider)
      const response = (await reasonOf(login.exchange(await login.signIn()))) as Response
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    }
  })

  test('cut-token hangs up, and the code is gone', async () => {
    const { login, callback } = await loginWith(provider, 'cut-token')
    expect(await reasonOf(login.exchange(callback))).toMatchObject({ code: 'UND_ERR_SOCKET' })
    await expect(login.exchange(callback)).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  test('rotated-key: from then on there is a new key, and the old one is gone', async () => {
    const published = async () => {
      const login = await beginLogin(running, provider)
      const { keys } = await (await fetch(login.configuration.serverMetadata().jwks_uri ?? '')).json()
      return keys.map(({ kid }: { kid: string }) => kid)
    }
    const before = await published()
    const { login, callback } = await loginWith(provider, 'rotated-key')
    expect((await login.exchange(callback)).claims()).toHaveProperty('sub')
    const after = await published()
    expect(after).toHaveLength(1)
    expect(after).not.toEqual(before)
    const next = await beginLogin(running, provider)
    await next.exchange(await next.signIn())
    expect(await published()).toEqual(after)
  })

  test('slow-token answers rightly, but late', async () => {
    running.sandbox.setScenario(provider, 'slow-token', { once: true, delayMilliseconds: 300 })
    const login = await beginLogin(running, provider)
    const callback = await login.signIn()
    const before = performance.now()
    expect((await login.exchange(callback)).claims()).toHaveProperty('sub')
    expect(performance.now() - before).toBeGreaterThan(290)
  })

  test('userinfo-sub-mismatch logs in and is refused at userinfo', async () => {
    const { login, callback } = await loginWith(provider, 'userinfo-sub-mismatch')
    const tokens = await login.exchange(callback)
    const userinfo = login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')
    await expect(userinfo).rejects.toMatchObject({ cause: { cause: { attribute: 'sub' } } })
  })

  test('missing-nin leaves out the national number and nothing else', async () => {
    const { login, callback } = await loginWith(provider, 'missing-nin')
    const tokens = await login.exchange(callback)
    const claims = tokens.claims()
    const userinfo = await login.userinfo(tokens.access_token, claims?.sub ?? '')
    expect({ ...claims, ...userinfo }).toMatchObject({ name: 'Kari Nordmann', birthdate: '1988-11-02' })
    for (const name of ['nin', 'nin_type', 'nnin_altsub', 'socialno'])
      expect({ ...claims, ...userinfo }).not.toHaveProperty(name)
  })

  test.each(scenariosOf(provider))('%s ends with its login', async (name) => {
    running.sandbox.setScenario(provider, name, { once: true, delayMilliseconds: 1 })
    await (await beginLogin(running, provider)).signIn()
    const login = await beginLogin(running, provider)
    expect((await login.exchange(await login.signIn())).claims()).toMatchObject({
      iss: running.sandbox[provider].issuer,
    })
  })
})

test('low-acr: BankID answers with a lower level', async () => {
  const { login, callback } = await loginWith('bankid', 'low-acr')
  expect((await login.exchange(callback)).claims()).toMatchObject({ acr: 'urn:bankid:bis;LOA=3', amr: ['bis'] })
})

test('low-acr: the brokers say that it was biometrics', async () => {
  const idura = await loginWith('idura', 'low-acr')
  expect((await idura.login.exchange(idura.callback)).claims()).toMatchObject({
    authenticationtype: 'urn:grn:authn:no:bankid:substantial',
  })
  const signicat = await loginWith('signicat', 'low-acr')
  const tokens = await signicat.login.exchange(signicat.callback)
  expect(await signicat.login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')).toMatchObject({
    nbid_acr: 'urn:bankid:bis;LOA=3',
    nbid_idp: 'BIS',
  })
})

test('no-app-confirmation: Vipps does not confirm in the app although asked', async () => {
  const login = await beginLogin(running, 'vipps', {
    parameters: { acr_values: 'urn:vipps:acr:app_auth', scenario: 'no-app-confirmation' },
  })
  expect((await login.exchange(await login.signIn())).claims()).not.toHaveProperty('acr')
})

test.each([
  ['invalid-scope', 'invalid_scope'],
  ['nin-error', 'illegal_scope'],
] as const)('%s: Vipps refuses whoever asks for the national number, and only those', async (scenario, error) => {
  const { callback } = await loginWith('vipps', scenario)
  expect(new URL(callback).searchParams.get('error')).toBe(error)
  expect(new URL(callback).searchParams.has('code')).toBe(false)
  const login = await beginLogin(running, 'vipps', { scope: 'openid name', parameters: { scenario } })
  expect((await login.exchange(await login.signIn())).claims()).toHaveProperty('sub')
})

async function userinfoWith(provider: ProviderName, name: ScenarioName) {
  const { login, callback } = await loginWith(provider, name)
  const tokens = await login.exchange(callback)
  return () => login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')
}

test('unverified-contact: phone and e-mail are there, and not to be relied on', async () => {
  expect(await (await userinfoWith('vipps', 'unverified-contact'))()).toMatchObject({
    phone_number: '4700000002',
    phone_number_verified: false,
    email: 'likeperson-medlem-1@person.example',
    email_verified: false,
  })
  const login = await beginLogin(running, 'vipps', { scope: 'openid', parameters: { scenario: 'unverified-contact' } })
  const tokens = await login.exchange(await login.signIn())
  expect(Object.keys(await login.userinfo(tokens.access_token, tokens.claims()?.sub ?? ''))).toEqual(['sub', 'sid'])
})

test('empty-address: an address of empty texts', async () => {
  expect(await (await userinfoWith('vipps', 'empty-address'))()).toMatchObject({
    address: { address_type: '', country: '', formatted: '', postal_code: '', region: '', street_address: '' },
    other_addresses: [],
  })
})

describe.each(['vipps', 'signicat'] as const)('userinfo of %s', (provider) => {
  test('failing-userinfo fails however often it is asked', async () => {
    const userinfo = await userinfoWith(provider, 'failing-userinfo')
    for (const _ of [1, 2, 3]) await expect(userinfo()).rejects.toMatchObject({ cause: { status: 503 } })
  })

  test('failing-userinfo-once fails the first time', async () => {
    const userinfo = await userinfoWith(provider, 'failing-userinfo-once')
    await expect(userinfo()).rejects.toMatchObject({ cause: { status: 503 } })
    expect(await userinfo()).toHaveProperty('name')
  })

  test('slow-userinfo answers rightly, but late', async () => {
    running.sandbox.setScenario(provider, 'slow-userinfo', { once: true, delayMilliseconds: 300 })
    const login = await beginLogin(running, provider)
    const tokens = await login.exchange(await login.signIn())
    const before = performance.now()
    expect(await login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')).toHaveProperty('name')
    expect(performance.now() - before).toBeGreaterThan(290)
  })
})

test('no-iss: a client that knows BankID sends iss misses it', async () => {
  const { login, callback } = await loginWith('bankid', 'no-iss')
  expect(await reasonOf(login.exchange(callback))).toMatchObject({ message: expect.stringContaining('"iss"') })
})

test('malformed-callback: the second question mark swallows the error', async () => {
  const { login, callback } = await loginWith('vipps', 'malformed-callback')
  expect(callback).toBe(`http://localhost:3000/callback?state=${login.state}?error=unknown_error`)
  expect(await reasonOf(login.exchange(callback))).toMatchObject({ message: expect.stringContaining('"state"') })
})

test('reused-code ends what the code had given', async () => {
  const { login, callback } = await loginWith('bankid', 'reused-code')
  await reasonOf(login.exchange(callback))
  await expect(login.exchange(callback)).rejects.toMatchObject({ error: 'invalid_grant' })
})

test('what is set applies to every login until it is taken back', async () => {
  running.sandbox.setScenario('vipps', 'expired-code')
  for (const person of ['ny-person', 'uten-fnr']) {
    const login = await beginLogin(running, 'vipps')
    await expect(login.exchange(await login.signIn({ person }))).rejects.toMatchObject({ error: 'invalid_grant' })
  }
  const other = await beginLogin(running, 'bankid')
  await other.exchange(await other.signIn())
  running.sandbox.setScenario('vipps', null)
  const login = await beginLogin(running, 'vipps')
  await login.exchange(await login.signIn())
})

test('a scenario of the other provider, or of none, is refused', async () => {
  expect(() => running.sandbox.setScenario('vipps', 'no-iss')).toThrow(TypeError)
  expect(() => running.sandbox.setScenario('bankid', 'malformed-callback')).toThrow(TypeError)
  expect(() => running.sandbox.setScenario('idura', 'slow-userinfo')).toThrow(TypeError)
  expect(() => running.sandbox.setScenario('bankid', 'toString' as 'no-iss')).toThrow(TypeError)
  const login = await beginLogin(running, 'bankid', { parameters: { scenario: 'constructor' } })
  expect(new URL(await login.signIn()).searchParams.get('error')).toBe('invalid_request')
})

test('a person can carry a scenario, and the request overrules it', async () => {
  const [someone] = running.sandbox.people
  if (!someone) throw new Error('there are people')
  const own = await startSandbox({ people: [{ ...someone, id: 'unlucky', scenario: 'access-denied' }] })
  const unlucky = await beginLogin(own, 'bankid')
  expect(new URL(await unlucky.signIn({ person: 'unlucky' })).searchParams.get('error')).toBe('access_denied')
  const overruled = await beginLogin(own, 'bankid', { parameters: { scenario: 'expired-code' } })
  expect(new URL(await overruled.signIn({ person: 'unlucky' })).searchParams.get('code')).toEqual(expect.any(String))
  await own.stop()
})

test('closing the sandbox ends a delay', async () => {
  const own = await startSandbox()
  own.sandbox.setScenario('bankid', 'slow-token', { delayMilliseconds: 60_000 })
  const login = await beginLogin(own, 'bankid')
  const callback = await login.signIn()
  const tokens = login.exchange(callback)
  setTimeout(() => own.sandbox.close(), 100)
  expect((await tokens).claims()).toHaveProperty('sub')
  await own.stop()
})

test('a client that gives up waiting leaves nothing behind on the console', async () => {
  const said = vi.spyOn(console, 'error')
  running.sandbox.setScenario('bankid', 'slow-token', { once: true, delayMilliseconds: 200 })
  const login = await beginLogin(running, 'bankid')
  login.configuration.timeout = 0.05
  await expect(login.exchange(await login.signIn())).rejects.toMatchObject({ code: 'OAUTH_TIMEOUT' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(said).not.toHaveBeenCalled()
})

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { beginLogin, type RunningSandbox, startSandbox } from '../testing/sandbox-harness.ts'
import { type ScenarioName, scenariosOf } from './index.ts'
import type { ProviderName } from './scenario.ts'

let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox()
})
afterAll(() => running.stop())

const PROVIDERS = ['bankid', 'vipps'] as const

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
    for (const name of ['nin', 'nnin_altsub']) expect({ ...claims, ...userinfo }).not.toHaveProperty(name)
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

test('low-acr: Vipps does not confirm in the app although asked', async () => {
  const login = await beginLogin(running, 'vipps', {
    parameters: { acr_values: 'urn:vipps:acr:app_auth', scenario: 'low-acr' },
  })
  expect((await login.exchange(await login.signIn())).claims()).not.toHaveProperty('acr')
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

import { request } from 'node:http'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createSandbox } from './sandbox.ts'
import { signIn } from './sign-in.ts'
import { beginLogin, client, type RunningSandbox, startSandbox } from './testing/sandbox-harness.ts'

let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox()
})
afterAll(() => running.stop())
afterEach(() => {
  vi.unstubAllEnvs()
})

const options = { publicUrl: 'http://localhost:3000', clients: {} }

test('does not exist in production mode', () => {
  const refused = { code: 'production_mode', message: expect.stringMatching(/^The sandbox is for testing only .*\.$/) }
  expect(() => createSandbox({ ...options, production: true })).toThrow(expect.objectContaining(refused))
  vi.stubEnv('NODE_ENV', 'production')
  expect(() => createSandbox(options)).toThrow(expect.objectContaining(refused))
  expect(() => createSandbox({ ...options, production: false })).toThrow(expect.objectContaining(refused))
})

test('starts in less than 300 ms, without a word on the console', () => {
  const said = (['log', 'info', 'warn', 'error'] as const).map((method) => vi.spyOn(console, method))
  const before = performance.now()
  createSandbox({ ...options, clients: { bankid: [client('a')], vipps: [client('a')] } })
  expect(performance.now() - before).toBeLessThan(300)
  for (const spy of said) expect(spy).not.toHaveBeenCalled()
})

test.each([
  ['bankid', { clientSecret: '' }, /clientSecret is missing/],
  ['bankid', { authentication: 'private_key_jwt' }, /jwks is missing/],
  ['vipps', { jwks: { keys: [] } }, /private_key_jwt is not offered/],
  ['vipps', { redirectUris: [] }, /redirectUris is empty/],
  ['vipps', { redirectUrl: 'http://localhost:3000' } as object, /redirectUrl is not an option/],
] as const)('refuses a %s client with %j', (provider, mistake, message) => {
  const clients = { [provider]: [client('a', mistake)] }
  expect(() => createSandbox({ ...options, clients })).toThrow(TypeError)
  expect(() => createSandbox({ ...options, clients })).toThrow(message)
})

test('leaves other paths alone', async () => {
  for (const path of ['/', '/sandboxed', '/api', '/sandbox/../api', '//sandbox']) {
    expect((await fetch(`${running.origin}${path}`)).status).toBe(418)
  }
})

test('leaves alone a request line that names no path', async () => {
  const status = await new Promise((resolve, reject) => {
    const { port } = new URL(running.origin)
    request({ port, path: 'http://other.example/sandbox' }, (res) => resolve(res.resume().statusCode))
      .on('error', reject)
      .end()
  })
  expect(status).toBe(418)
})

test('shows what it is at its base path, and answers 404 below it', async () => {
  const index = await fetch(`${running.origin}/sandbox`)
  expect(index.status).toBe(200)
  const page = await index.text()
  expect(page).toContain('TESTING ONLY / KUN FOR TEST')
  expect(page).toContain(running.sandbox.vipps.issuer)
  for (const path of ['/sandbox/', '/sandbox/none', '/sandbox/bankid', '/sandbox/bankid/auth/realms/current/none']) {
    expect((await fetch(`${running.origin}${path}`)).status).toBe(404)
  }
})

test('lives at any base path', async () => {
  const elsewhere = await startSandbox({ basePath: '/test/eid' })
  expect(elsewhere.sandbox.bankid.issuer).toBe(`${elsewhere.origin}/test/eid/bankid/auth/realms/current`)
  const login = await beginLogin(elsewhere, 'vipps')
  const tokens = await login.exchange(await login.signIn())
  expect(await login.userinfo(tokens.access_token, tokens.claims()?.sub ?? '')).toHaveProperty('name')
  await elsewhere.stop()
})

test('its addresses come from publicUrl and not from what a request claims', async () => {
  const { port } = new URL(running.origin)
  const document = await new Promise<string>((resolve, reject) => {
    const path = '/sandbox/bankid/auth/realms/current/.well-known/openid-configuration'
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    request({ port, path, headers }, async (res) => resolve(Buffer.concat(await res.toArray()).toString()))
      .on('error', reject)
      .end()
  })
  expect(document).toContain(`${running.origin}/sandbox/`)
  expect(document).not.toContain('evil')
})

test('two logins in one browser, and the two providers, do not disturb each other', async () => {
  const logins = await Promise.all(
    (['bankid', 'vipps', 'bankid', 'vipps'] as const).map((name) => beginLogin(running, name)),
  )
  const people = ['ny-person', 'uten-adresse', 'administrator', 'nordlys-medlem-2']
  const subjects = await Promise.all(
    logins.map(async (login, index) => {
      const callback = await login.signIn({ person: people[index] ?? '' })
      return (await login.exchange(callback)).claims()?.sub
    }),
  )
  expect(new Set(subjects).size).toBe(4)
})

test('signIn says when it cannot', async () => {
  const login = await beginLogin(running, 'bankid')
  await expect(login.signIn({ person: 'nobody' })).rejects.toMatchObject({ code: 'person_unknown' })
  login.url.searchParams.set('client_id', 'nobody')
  await expect(signIn(login.url, { person: 'ny-person' })).rejects.toMatchObject({ code: 'page_unexpected' })
})

test('signIn can cancel', async () => {
  const login = await beginLogin(running, 'vipps')
  const callback = new URL(await login.signIn({ answer: 'cancel' }))
  expect(callback.searchParams.get('error')).toBe('access_denied')
})

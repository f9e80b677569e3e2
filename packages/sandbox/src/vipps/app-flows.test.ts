import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signIn } from '../sign-in.ts'
import { beginLogin, client, type RunningSandbox, startSandbox } from '../testing/sandbox-harness.ts'

const SCHEME_URI = 'no.example.app://callback/vipps/likeperson'
const UNIVERSAL_LINK = 'https://app.example.no/callback/vipps/likeperson'
const APP_CALLBACK = 'no.example.app://vipps'
let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox({
    clients: {
      vipps: [client('app', { redirectUris: [SCHEME_URI, UNIVERSAL_LINK], appCallbackUris: [APP_CALLBACK] })],
    },
  })
})
afterAll(() => running.stop())

const scope = 'openid name'
const begin = (parameters: Record<string, string>) =>
  beginLogin(running, 'vipps', { clientId: 'app', scope, parameters: { redirect_uri: SCHEME_URI, ...parameters } })

const errorOf = async (parameters: Record<string, string>) =>
  new URL(await (await begin(parameters)).signIn()).searchParams.get('error')

describe('app_to_app', () => {
  const inApp = { requested_flow: 'app_to_app', app_callback_uri: APP_CALLBACK }

  test('opens the app of the client with state and resume_uri, and ends at the redirect URI', async () => {
    const login = await begin({ ...inApp, final_redirect_is_app: 'true' })
    const opened: URL[] = []
    const callback = await login.signIn({ onAppCallback: (url) => opened.push(new URL(url)) })
    expect(opened).toHaveLength(1)
    const [{ href = '', searchParams = new URLSearchParams() } = {}] = opened
    expect(href.startsWith(`${APP_CALLBACK}?state=${login.state}&resume_uri=http`)).toBe(true)
    expect(searchParams.get('resume_uri')?.startsWith(running.origin)).toBe(true)
    expect(callback.startsWith(`${SCHEME_URI}?code=`)).toBe(true)
    expect(new URL(callback).searchParams.get('state')).toBe(login.state)
  })

  test('goes on in the browser with the cookies of the login, and in no other', async () => {
    const login = await begin(inApp)
    let resumeUri = ''
    await login.signIn({
      person: 'ny-person',
      onAppCallback: (url) => {
        resumeUri = new URL(url).searchParams.get('resume_uri') ?? ''
      },
    })
    expect((await fetch(resumeUri)).status).toBe(400)
  })

  test('an error in the app comes after a second question mark', async () => {
    const login = await begin(inApp)
    expect(await login.signIn({ answer: 'cancel' })).toBe(`${APP_CALLBACK}?state=${login.state}?error=unknown_error`)
  })

  test('the consent comes in the browser, where it can be refused', async () => {
    const login = await begin(inApp)
    const callback = new URL(await login.signIn({ person: 'nordlys-medlem-1', answer: 'deny' }))
    expect(callback.href.startsWith(SCHEME_URI)).toBe(true)
    expect(callback.searchParams.get('error')).toBe('access_denied')
  })

  test.each([
    ['invalid_app_callback_uri', {}],
    ['invalid_app_callback_uri', { app_callback_uri: 'no address' }],
    ['app_callback_uri_not_registered', { app_callback_uri: `${APP_CALLBACK}/` }],
  ])('%s for %j', async (error, parameters) => {
    expect(await errorOf({ requested_flow: 'app_to_app', ...(parameters as Record<string, string>) })).toBe(error)
  })
})

test.each([SCHEME_URI, UNIVERSAL_LINK])('app_to_app_v2 ends at %s', async (uri) => {
  const login = await begin({ requested_flow: 'app_to_app_v2', redirect_uri: uri, market: 'DK' })
  expect((await login.signIn()).startsWith(`${uri}?code=`)).toBe(true)
})

test('app_to_app_v2 needs PKCE', async () => {
  const login = await begin({ requested_flow: 'app_to_app_v2' })
  login.url.searchParams.delete('code_challenge')
  login.url.searchParams.delete('code_challenge_method')
  const callback = new URL(await signIn(login.url, { person: 'ny-person' }))
  expect(callback.searchParams.get('error')).toBe('invalid_request')
})

test('automatic_return_from_vipps_app is an ordinary login', async () => {
  const login = await begin({ requested_flow: 'automatic_return_from_vipps_app' })
  expect((await login.signIn()).startsWith(`${SCHEME_URI}?code=`)).toBe(true)
})

test.each([{ requested_flow: 'popup' }, { market: 'no' }, { market: 'GB' }, { final_redirect_is_app: 'yes' }])(
  '%j is refused',
  async (parameters) => {
    expect(await errorOf(parameters as Record<string, string>)).toBe('invalid_request')
  },
)

test('a redirect URI of another scheme needs a path', async () => {
  const clients = { vipps: [client('bare', { redirectUris: ['no.example.app://'] })] }
  await expect(startSandbox({ clients })).rejects.toThrow('a redirect URI has no path')
})

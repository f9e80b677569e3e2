import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ProviderName } from '../scenarios/scenario.ts'
import {
  beginLogin,
  client,
  type LoginRequest,
  REDIRECT_URI,
  type RunningSandbox,
  startSandbox,
} from '../testing/sandbox-harness.ts'

let running: RunningSandbox

beforeAll(async () => {
  running = await startSandbox({
    clients: {
      bankid: [client('trusted', { name: '<b>Lag & "venner"</b>', nationalNumber: true })],
      vipps: [
        client('trusted', { nationalNumber: true }),
        client('app', { redirectUris: ['no.example.app:/callback'] }),
      ],
    },
  })
})
afterAll(() => running.stop())

/** A browser as far as these pages need one: it keeps cookies, by path, and does not follow redirects. */
let cookies: Map<string, { readonly pair: string; readonly path: string }>
beforeEach(() => {
  cookies = new Map()
})

async function visit(url: string | URL, form?: Record<string, string>): Promise<Response> {
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { accept: 'text/html', cookie: cookiesFor(new URL(url).pathname) },
    ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
  })
  for (const cookie of response.headers.getSetCookie()) {
    const [pair = ''] = cookie.split(';')
    const path = /; path=([^;]+)/i.exec(cookie)?.[1] ?? '/'
    cookies.set(`${pair.slice(0, pair.indexOf('='))} ${path}`, { pair, path })
  }
  return response
}

/** @see RFC 6265 §5.1.4, §5.4: those of the longest path first */
function cookiesFor(pathname: string): string {
  return [...cookies.values()]
    .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
    .sort((one, other) => other.path.length - one.path.length)
    .map(({ pair }) => pair)
    .join('; ')
}

async function openPage(provider: ProviderName, request: LoginRequest = {}): Promise<string> {
  const { url } = await beginLogin(running, provider, request)
  const response = await visit(url)
  expect(response.status).toBe(303)
  return new URL(response.headers.get('location') ?? '', url).href
}

const policyOf = (response: Response) => response.headers.get('content-security-policy') ?? ''

describe('the list of people', () => {
  test('has a button for everyone, and says what it is', async () => {
    const response = await visit(await openPage('bankid'))
    const page = await response.text()
    expect(response.headers.get('x-sandbox')).toBe('TESTING ONLY / KUN FOR TEST')
    expect(page).toContain('<strong>TESTING ONLY / KUN FOR TEST</strong>')
    expect(page).toContain('<html lang="nb">')
    for (const { id } of running.sandbox.people) {
      expect(page).toContain(`<button name="person" value="${id}" data-person="${id}">`)
    }
    expect(page).toContain('<strong>Kari Nordmann</strong><span>Medlem · Likeperson</span>')
    expect(page).toContain('data-action="cancel"')
  })

  test('has fields for other details, which the page of consent sends on', async () => {
    const address = await openPage('vipps', { scope: 'openid phoneNumber email' })
    const page = await (await visit(address)).text()
    for (const name of ['phoneNumber', 'email', 'nationalNumber']) expect(page).toContain(`<input name="${name}"`)
    const form = { person: 'ny-person', phoneNumber: '4700009999', email: '', nationalNumber: '-' }
    const consent = await (await visit(address, form)).text()
    expect(consent).toContain('+4700009999')
    expect(consent).toContain('ny-person@person.example')
    for (const [name, value] of Object.entries(form)) {
      expect(consent).toContain(`<input type="hidden" name="${name}" value="${value}">`)
    }
    expect((await visit(await openPage('vipps'), { person: 'ny-person', email: 'nobody' })).status).toBe(400)
  })

  test('is in English when the application, or the person, asks', async () => {
    const asked = await visit(await openPage('vipps', { parameters: { ui_locales: 'en nb' } }))
    expect(await asked.text()).toContain('Who do you want to be')
    const chosen = await (await visit(`${await openPage('vipps')}?lang=en`)).text()
    expect(chosen).toContain('<html lang="en">')
    expect(chosen).toContain('Member · Likeperson')
  })

  test('escapes what it did not write', async () => {
    const page = await (await visit(await openPage('bankid'))).text()
    expect(page).toContain('&lt;b&gt;Lag &amp; &quot;venner&quot;&lt;/b&gt;')
    expect(page).not.toContain('<b>')
  })

  test('allows nothing from elsewhere and no framing, and lets the form end at the application', async () => {
    const response = await visit(await openPage('bankid'))
    const policy = policyOf(response)
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'/)
    expect(policy).toContain(`form-action 'self' ${new URL(REDIRECT_URI).origin};`)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect((await response.text()).match(/(src|href)="https?:/g)).toBeNull()
  })

  test('lets the form end at an app with its own scheme', async () => {
    const parameters = { redirect_uri: 'no.example.app:/callback' }
    const address = await openPage('vipps', { clientId: 'app', parameters, scope: 'openid' })
    expect(policyOf(await visit(address))).toContain("form-action 'self' no.example.app:;")
    const resume = await visit(address, { person: 'ny-person' })
    const last = await visit(new URL(resume.headers.get('location') ?? '', address))
    expect(last.headers.get('location')).toMatch(/^no\.example\.app:\/callback\?code=/)
  })

  test('preselects the scenario that the request names', async () => {
    const page = await (await visit(await openPage('bankid', { parameters: { scenario: 'no-iss' } }))).text()
    expect(page).toContain('<option value="no-iss" selected>')
    expect(page).not.toContain('malformed-callback')
  })

  test.each([[{ person: 'nobody' }], [{}], [{ person: 'ny-person', padding: 'x'.repeat(10_000) }]] as Record<
    string,
    string
  >[][])('answers 400 to a form it did not send', async (form = {}) => {
    expect((await visit(await openPage('bankid'), form)).status).toBe(400)
  })

  test('cancel is access_denied', async () => {
    const address = await openPage('bankid')
    const resume = await visit(address, { action: 'cancel' })
    const last = await visit(new URL(resume.headers.get('location') ?? '', address))
    expect(new URL(last.headers.get('location') ?? '').searchParams.get('error')).toBe('access_denied')
  })

  test('the choice on the page and the cookie choose the scenario', async () => {
    for (const [form, cookie] of [
      [{ scenario: 'access-denied' }, null],
      [{ scenario: '' }, 'access-denied'],
    ] as const) {
      const address = await openPage('bankid')
      if (cookie) cookies.set('sandbox_scenario', { pair: `sandbox_scenario=${cookie}`, path: '/' })
      const resume = await visit(address, { person: 'ny-person', ...form })
      const last = await visit(new URL(resume.headers.get('location') ?? '', address))
      expect(new URL(last.headers.get('location') ?? '').searchParams.get('error')).toBe('access_denied')
    }
  })

  test.each([
    ['first', [0, 1]],
    ['last', [1, 0]],
  ])('ends two logins of one browser, the one begun first %s', async (_, order) => {
    const addresses = [await openPage('bankid'), await openPage('bankid')]
    const states = new Set()
    for (const index of order) {
      const address = addresses[index] ?? ''
      expect((await visit(address)).status).toBe(200)
      const resume = await visit(address, { person: 'ny-person' })
      const last = await visit(new URL(resume.headers.get('location') ?? '', address))
      const { searchParams } = new URL(last.headers.get('location') ?? '')
      expect(searchParams.has('code')).toBe(true)
      states.add(searchParams.get('state'))
    }
    expect(states.size).toBe(2)
  })

  test('belongs to the browser that began the login', async () => {
    const address = await openPage('bankid')
    cookies = new Map()
    const response = await visit(address)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('Innloggingen er utløpt')
    expect((await visit(address, { person: 'ny-person' })).status).toBe(400)
  })
})

describe('consent at Vipps', () => {
  test('lists what is shared, with the values', async () => {
    const address = await openPage('vipps')
    const response = await visit(address, { person: 'likeperson-medlem-1' })
    const page = await response.text()
    expect(response.status).toBe(200)
    expect(page).toContain('TESTING ONLY / KUN FOR TEST')
    for (const value of ['+4700000002', 'likeperson-medlem-1@person.example', '1988-11-02', '02918800045', 'GEILO']) {
      expect(page).toContain(value)
    }
    expect(page).toContain('data-action="approve"')
  })

  test('lists no more than was asked for', async () => {
    const address = await openPage('vipps', { scope: 'openid email' })
    const page = await (await visit(address, { person: 'likeperson-medlem-1' })).text()
    expect(page).toContain('likeperson-medlem-1@person.example')
    for (const value of ['4700000002', '02918800045', '1988-11-02']) expect(page).not.toContain(value)
  })

  test('is remembered for the same client, person and scopes, and not asked for with openid alone', async () => {
    const again = async (scope: string, form: Record<string, string>) =>
      (await visit(await openPage('vipps', { scope }), form)).status
    expect(await again('openid', { person: 'ny-person' })).toBe(303)
    expect(await again('openid name', { person: 'ny-person' })).toBe(200)
    expect(await again('openid name', { person: 'ny-person', action: 'approve' })).toBe(303)
    expect(await again('openid name', { person: 'ny-person' })).toBe(303)
    expect(await again('openid name email', { person: 'ny-person' })).toBe(200)
    expect(await again('openid name', { person: 'uten-fnr' })).toBe(200)
  })

  test('refused is access_denied', async () => {
    const login = await beginLogin(running, 'vipps', { scope: 'openid name gender' })
    const callback = new URL(await login.signIn({ answer: 'deny' }))
    expect(callback.searchParams.get('error')).toBe('access_denied')
    expect(callback.searchParams.get('state')).toBe(login.state)
  })
})

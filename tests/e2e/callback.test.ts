import type { Browser, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { logIn, readyLine } from './testing/steps.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

const login = { provider: 'BankID', organization: 'Likeperson', person: 'likeperson-medlem-1' } as const
const elsewhere = 'http://frames.example'

let application: Application
let browser: Browser
let visitor: Visitor

beforeAll(async () => {
  ;[application, browser] = await Promise.all([startApplication(), launchBrowser()])
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
})

beforeEach(async () => {
  visitor = await newVisitor(browser, application.url)
})

afterEach(async () => {
  await visitor.context.close()
})

describe('the page that a provider sends the browser back to', () => {
  it('leaves code and state neither in the address nor in the history, and asks only our own origin', async () => {
    const { context, page, complaints } = visitor
    const requests: { url: string; referer: string }[] = []
    context.on('request', (request) => requests.push({ url: request.url(), referer: request.headers().referer ?? '' }))
    await logIn(page, login)
    await readyLine(page).waitFor()
    const callbacks = requests.filter(({ url }) => new URL(url).pathname.startsWith('/callback/'))
    expect(callbacks).toHaveLength(1)
    const [code, state] = ['code', 'state'].map((name) => new URL(callbacks[0]?.url ?? '').searchParams.get(name))
    expect(code).toMatch(/^.{16,}$/)
    expect(state).toMatch(/^.{43}$/)

    const after = requests.slice(requests.findIndex(({ url }) => url === callbacks[0]?.url) + 1)
    expect(after.length).toBeGreaterThan(5)
    for (const { url, referer } of after) {
      expect(new URL(url).origin).toBe(new URL(application.url).origin)
      for (const text of [url, referer]) {
        expect(text).not.toContain(code)
        expect(text).not.toContain(state)
      }
    }
    expect(new URL(page.url()).search).toBe('')
    const session = await context.newCDPSession(page)
    const { entries } = await session.send('Page.getNavigationHistory')
    expect(entries.map(({ url }) => new URL(url).pathname)).toContain('/login')
    for (const { url } of entries) if (!url.includes('/sandbox/')) expect(url).not.toMatch(/code=|state=/)
    expect(complaints).toEqual([])
  })

  it('has no token in any address, no cookie and no service worker', async () => {
    const { context, page } = visitor
    const addresses: string[] = []
    context.on('request', (request) => addresses.push(request.url(), request.headers().referer ?? ''))
    const answered = page.waitForResponse((response) => response.url().endsWith('/nokkel/login/complete'))
    await logIn(page, { ...login, person: 'likeperson-medlem-2' })
    const { tokens } = await (await answered).json()
    await readyLine(page).waitFor()
    const refreshed = page.waitForResponse((response) => response.url().endsWith('/nokkel/session/refresh'))
    application.advance(601)
    await page.reload()
    const next = await (await refreshed).json()
    await readyLine(page).waitFor()
    expect(addresses.length).toBeGreaterThan(10)
    for (const { accessToken, refreshToken } of [tokens, next]) {
      expect(accessToken).toMatch(/^eyJ/)
      expect(refreshToken).toMatch(/^nrt_/)
      for (const address of addresses) {
        expect(address).not.toContain(accessToken)
        expect(address).not.toContain(refreshToken)
      }
    }
    // Those of the made-up provider, which lives below the same origin here.
    const ofProvider = ({ path }: { path: string }) => path.startsWith('/sandbox/')
    expect((await context.cookies()).filter((cookie) => !ofProvider(cookie))).toEqual([])
    expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length)).toBe(0)
  })
})

describe('a callback that nobody here asked for', () => {
  const strange = `?code=x&state=${'x'.repeat(43)}`
  const failed = (page: Page) => page.getByRole('heading', { name: 'Innloggingen ble ikke fullført' })
  const menu = (page: Page) => page.getByRole('button', { name: /^Konto og innstillinger: / })
  let here: Visitor

  beforeAll(async () => {
    here = await newVisitor(browser, application.url)
    await logIn(here.page, { ...login, person: 'likeperson-koordinator' })
    await menu(here.page).waitFor()
  })

  it.each([
    ['another organisation', `/callback/vipps/hjertelaget${strange}`],
    ['an organisation that is not there', `/callback/bankid/ikke-her${strange}`],
    ['their own organisation', `/callback/vipps/likeperson${strange}`],
  ])('of %s leaves a person logged in', async (_, path) => {
    const { page } = here
    await page.goto(path)
    await failed(page).waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Innloggingen ble ikke fullført')
    await menu(page).waitFor()
    await page.getByRole('main').getByRole('link', { name: 'Min konto' }).click()
    await page.getByRole('heading', { name: 'Min konto', exact: true }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Min konto', exact: true }).waitFor()
  })

  it.each(['/callback/vipps/hjertelaget', '/callback/elsewhere/ikke-her', `/callback/elsewhere/ikke-her${strange}`])(
    'does nothing as %s',
    async (path) => {
      const { page } = here
      await page.goto(path)
      await page.waitForURL('**/sent')
      await menu(page).waitFor()
      await page.reload()
      await menu(page).waitFor()
    },
  )

  it('does not choose an organisation for who is not logged in', async () => {
    const { page } = visitor
    await page.goto(`/callback/vipps/hjertelaget${strange}`)
    await failed(page).waitFor()
    await page.goto('/login')
    await page.getByText('Velg virksomhet, så ser du hvordan du kan logge inn.').waitFor()
  })
})

describe('a page of somebody else', () => {
  const framed = async (path: string, { allowed = false } = {}) => {
    const { context, page } = visitor
    await context.route(`${elsewhere}/`, (route) =>
      route.fulfill({ contentType: 'text/html', body: `<iframe src="${application.url}${path}"></iframe>` }),
    )
    if (allowed) {
      await context.route(`${application.url}${path}`, async (route) => {
        const response = await route.fetch()
        const { 'content-security-policy': _, ...headers } = response.headers()
        await route.fulfill({ response, headers })
      })
    }
    await page.goto(`${elsewhere}/`)
    await page.waitForLoadState('load')
    return page.frames()[1]?.url()
  }

  it.each(['/login', '/callback/vipps/likeperson?code=x&state=y', '/account'])('cannot frame %s', async (path) => {
    expect(await framed(path)).toMatch(/^chrome-error:/)
  })

  it('could, if the answer did not forbid it', async () => {
    expect(await framed('/login', { allowed: true })).toBe(`${application.url}/login`)
  })
})

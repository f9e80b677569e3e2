import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { look } from './testing/look.ts'
import { agree, beAt, chooseOrganization, consentOf, leaveFor, logIn, readyLine } from './testing/steps.ts'
import { launchBrowser, newVisitor } from './testing/visitor.ts'

let application: Application
let browser: Browser

beforeAll(async () => {
  ;[application, browser] = await Promise.all([startApplication(), launchBrowser()])
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
})

const see = (page: Page, name: string) => look(page, name, 'login')

interface Ways {
  /** Set up. Default: both. */
  readonly offered?: readonly string[]
  readonly available: readonly string[]
}

/** What the login page would hear of an organisation whose ways in are not all there, or do not all work. */
async function pretend(page: Page, { offered = ['bankid', 'vipps'], available }: Ways): Promise<void> {
  await page.route('**/nokkel/organizations', async (route) => {
    const answer = await route.fetch()
    const { organizations } = await answer.json()
    for (const organization of organizations) {
      organization.providers = organization.providers
        .filter(({ id }: { id: string }) => offered.includes(id))
        .map((provider: { id: string }) => ({ ...provider, available: available.includes(provider.id) }))
    }
    await route.fulfill({ response: answer, json: { organizations } })
  })
}

describe('every state of a login fits a phone and a desk, in light and in dark', () => {
  it('before the organisation is chosen, and then', async () => {
    const { page } = await newVisitor(browser, application.url)
    await page.goto('/login')
    await page.getByText('Velg virksomhet, så ser du hvordan du kan logge inn.').waitFor()
    expect(await page.getByRole('button', { name: /^Logg inn med/ }).count()).toBe(0)
    await see(page, 'login-unchosen')
    await page.getByLabel('Virksomhet').selectOption({ label: 'Nordlys' })
    await see(page, 'login')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('button', { name: 'Log in with Vipps' }).waitFor()
    await see(page, 'login-en')
    // The organisation is remembered.
    await page.goto('/login')
    await page.getByRole('button', { name: 'Log in with BankID' }).waitFor()
  })

  it('a way in that does not work is no button but a sentence with the one that does', async () => {
    const { page } = await newVisitor(browser, application.url)
    await pretend(page, { available: ['bankid'] })
    await chooseOrganization(page, 'Nordlys')
    await page.getByText('Vipps virker ikke i Nordlys akkurat nå. Logg inn med BankID.').waitFor()
    expect(await page.getByRole('button', { name: 'Logg inn med Vipps' }).count()).toBe(0)
    await see(page, 'login-unavailable')
  })

  it('of one that was never set up it is not said that it does not work now', async () => {
    const { page } = await newVisitor(browser, application.url)
    await pretend(page, { offered: ['vipps'], available: ['vipps'] })
    await chooseOrganization(page, 'Nordlys')
    await page.getByText('Nordlys bruker ikke BankID. Logg inn med Vipps.').waitFor()
    expect(await page.getByText('akkurat nå').count()).toBe(0)
    await see(page, 'login-not-offered')
  })

  it.each([
    { name: 'none is set up', offered: [], said: 'Verken BankID eller Vipps er satt opp.' },
    {
      name: 'the only one does not work',
      offered: ['vipps'],
      said: 'Vipps virker ikke, og Nordlys har ingen annen måte å logge inn på.',
    },
    { name: 'none works', offered: ['bankid', 'vipps'], said: 'Verken BankID eller Vipps virker.' },
  ])('an organisation nobody can log in to says why and whom to ask: $name', async ({ offered, said }) => {
    const { page } = await newVisitor(browser, application.url)
    await pretend(page, { offered, available: [] })
    await chooseOrganization(page, 'Nordlys')
    await page.getByText('Ingen kan logge inn i Nordlys akkurat nå').waitFor()
    await page.getByText(said, { exact: true }).waitFor()
    await page.getByText('Be administratoren i Nordlys').waitFor()
    expect(await page.getByRole('button', { name: /^Logg inn med/ }).count()).toBe(0)
    await see(page, `login-no-way-${offered.length}`)
  })

  it('a provider that is set up wrongly, and no other, sends nobody to another', async () => {
    const { page } = await newVisitor(browser, application.url)
    await pretend(page, { offered: ['vipps'], available: ['vipps'] })
    const code = 'provider_misconfigured'
    await page.route('**/nokkel/login', (route) =>
      route.fulfill({
        status: 502,
        contentType: 'application/problem+json',
        json: { type: `urn:nokkel:problem:${code}`, title: 'Set up wrongly', status: 502, code },
      }),
    )
    await chooseOrganization(page, 'Nordlys')
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await consentOf(page)
      .getByRole('button', { name: /^Ja, gå til / })
      .click()
    await page.getByText('Virksomhetens avtale med innloggingstjenesten er satt opp feil.').waitFor()
    await page.getByText('Det er ingen annen måte å logge inn på her nå.').waitFor()
    expect(await page.getByText('på en annen måte').count()).toBe(0)
    await see(page, 'misconfigured-alone')
  })

  it('consent', async () => {
    const { page } = await newVisitor(browser, application.url)
    await chooseOrganization(page, 'Nordlys')
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await consentOf(page).waitFor()
    await see(page, 'consent')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('button', { name: 'Log in with BankID' }).click()
    await page.getByRole('dialog', { name: 'May we get this from BankID?' }).waitFor()
    await see(page, 'consent-en')
  })

  it('leaving, and a provider that is down', async () => {
    const { context, page } = await newVisitor(browser, application.url)
    await context.route('**/sandbox/vipps/**', (route) => route.fulfill({ status: 204 }))
    await page.clock.install()
    await chooseOrganization(page, 'Nordlys')
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await consentOf(page)
      .getByRole('button', { name: /^Ja, gå til / })
      .click()
    await page.getByText('Vi venter på at du kommer tilbake fra Vipps').waitFor()
    await see(page, 'leaving')
    await page.clock.runFor(31_000)
    await page.getByText('Det tok for lang tid før du kom tilbake.').waitFor()
    await see(page, 'timed-out')
  })

  it('coming back', async () => {
    const { page } = await newVisitor(browser, application.url)
    const looked = Promise.withResolvers<void>()
    await page.route('**/nokkel/login/complete', async (route) => {
      await looked.promise
      await route.continue()
    })
    await logIn(page, { provider: 'BankID', organization: 'Nordlys', person: 'nordlys-medlem-1' })
    await page.getByText('Bekrefter innloggingen hos BankID').waitFor()
    await see(page, 'exchanging')
    looked.resolve()
    await readyLine(page).waitFor()
  })

  it.each([
    ['nothing at all', ['localStorage', 'sessionStorage', 'indexedDB']],
    ['no settings', ['localStorage', 'sessionStorage']],
  ])('where the browser keeps %s', async (what, refused) => {
    const { context, page } = await newVisitor(browser, application.url)
    await context.addInitScript((names) => {
      for (const name of names) {
        Object.defineProperty(window, name, {
          get: () => {
            throw new DOMException('Refused.', 'SecurityError')
          },
        })
      }
    }, refused)
    await page.goto('/login')
    await page.getByLabel('Virksomhet').selectOption({ label: 'Nordlys' })
    await page.getByRole('button', { name: 'Mørkt utseende' }).click()
    expect(await page.evaluate(() => document.documentElement.dataset.colorScheme)).toBe('dark')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('button', { name: 'Norsk' }).click()
    await page.getByRole('button', { name: 'Logg inn med BankID' }).click()
    if (what === 'no settings') {
      await agree(page)
      await beAt(page, 'nordlys-koordinator')
      await page.getByRole('button', { name: /^Konto og innstillinger: / }).waitFor()
      return
    }
    const refusal = page.getByText('Nettleseren lar oss ikke lagre nøkler.')
    await refusal.first().waitFor()
    await consentOf(page)
      .getByRole('button', { name: /^Ja, gå til / })
      .click()
    await consentOf(page).waitFor({ state: 'detached' })
    expect(await refusal.count()).toBe(1)
    await see(page, 'keeps-nothing')
  })

  it('refused, not a member, and without the personnummer', async () => {
    const { page } = await newVisitor(browser, application.url)
    await leaveFor(page, { provider: 'Vipps', organization: 'Nordlys' })
    await page.locator('[data-action="cancel"]').click()
    await page.getByText('Innloggingen ble avbrutt eller avvist.').waitFor()
    await see(page, 'refused')
    await page.getByRole('button', { name: 'Logg inn med BankID i stedet' }).click()
    await agree(page)
    await beAt(page, 'ny-person')
    await page.getByText('Du er ikke registrert i denne virksomheten.').waitFor()
    expect(await page.getByRole('button', { name: 'Prøv igjen' }).count()).toBe(0)
    await see(page, 'not-a-member')
    await page.getByRole('button', { name: 'Velg en annen virksomhet' }).click()
    await page.getByRole('heading', { name: 'Logg inn', exact: true }).waitFor()
    application.sandbox.setScenario('vipps', 'invalid-scope', { once: true })
    await logIn(page, { provider: 'Vipps', organization: 'Nordlys', person: 'nordlys-medlem-2' })
    await page.getByText('Vi fikk ikke lov til å hente fødselsnummeret ditt.').waitFor()
    await see(page, 'scope-refused')
    application.sandbox.setScenario('vipps', 'missing-nin', { once: true })
    await logIn(page, { provider: 'Vipps', organization: 'Nordlys', person: 'nordlys-medlem-2' })
    await page.getByText('Vipps ga oss ikke fødselsnummeret ditt').waitFor()
    await readyLine(page).waitFor()
    await see(page, 'absent')
    await page.getByRole('button', { name: 'Greit' }).click()
    expect(await page.getByText('Vipps ga oss ikke fødselsnummeret ditt').count()).toBe(0)
  })
})

describe('an administrator', () => {
  let page: Page
  beforeAll(async () => {
    page = (await newVisitor(browser, application.url)).page
    // Vipps alone, with its cap reached.
    await page.route('**/nokkel/organization/login', async (route) => {
      const answer = await route.fetch()
      const settings = await answer.json()
      const vipps = {
        enabled: true,
        environment: 'test',
        clientId: 'nokkel-fjordhjelpen',
        authentication: 'client_secret_basic',
        merchantSerialNumber: null,
        personnummerApproved: false,
        confirmInApp: false,
        appRedirectUri: 'no.example.app:/callback/vipps/fjordhjelpen',
        appCallbackUri: null,
        market: null,
        secretSet: true,
      }
      const cost = { costCentre: '1000', pricePerLoginOre: 125, monthlyCap: null }
      const warnings = ['no_way_in', 'vipps_cap_reached', 'bankid_unconfigured']
      await route.fulfill({ response: answer, json: { ...settings, bankid: null, vipps, cost, warnings } })
    })
    await logIn(page, { provider: 'BankID', organization: 'Fjordhjelpen', person: 'administrator' })
    await readyLine(page).waitFor()
    await page.goto('/admin')
  })

  it('is warned where a cap closes the only way in, and told only what can be done', async () => {
    const warning = page.getByText('Vipps er eneste vei inn hos dere.')
    const cap = page.getByLabel('Høyst så mange innlogginger i måneden')
    await page.getByText('Du er logget inn, og kan heve den under «Kostnad».').waitFor()
    await cap.waitFor()
    expect(await warning.count()).toBe(0)
    await cap.fill('100')
    await warning.waitFor()
    await see(page, 'cap-alone')
    await cap.fill('mange')
    expect(await warning.count()).toBe(0)
    await cap.fill('')
    expect(await warning.count()).toBe(0)
  })

  it('sees of each address what the check says of it', async () => {
    const addresses = ['https://app.example/callback/vipps/fjordhjelpen', 'no.example.app:/callback/vipps/fjordhjelpen']
    const findings = addresses.map((address) => ({
      check: 'redirect_uri',
      result: 'ok',
      detail: `${address} is known.`,
    }))
    await page.route('**/nokkel/organization/vipps/check', (route) => route.fulfill({ json: { findings } }))
    await page.getByRole('button', { name: 'Prøv oppsettet' }).click()
    for (const address of addresses) await page.getByRole('listitem').getByText(`${address} is known.`).waitFor()
    await see(page, 'check-addresses')
  })
})

describe('installed on a device', () => {
  it('has a manifest that the browser takes, with icons of the sizes it names', async () => {
    const { context, page, complaints } = await newVisitor(browser, application.url)
    await page.goto('/login')
    const session = await context.newCDPSession(page)
    const { url, errors, data = '' } = await session.send('Page.getAppManifest')
    expect(url).toBe(`${application.url}/manifest.webmanifest`)
    expect(errors).toEqual([])
    const manifest = JSON.parse(data)
    expect(manifest).toMatchObject({ id: '/', scope: '/', start_url: '/', display: 'standalone', name: 'Nøkkel' })
    const touch = { src: await page.locator('link[rel="apple-touch-icon"]').getAttribute('href'), sizes: '180x180' }
    const icons: { src: string; sizes: string }[] = [...manifest.icons, touch]
    expect(icons.map(({ sizes }) => sizes)).toEqual(['any', '192x192', '512x512', '512x512', '180x180'])
    const drawn = await page.evaluate(
      (icons) =>
        Promise.all(
          icons.map(async ({ src, sizes }) => {
            const image = new Image()
            image.src = src
            await image.decode()
            return sizes === 'any' ? sizes : `${image.naturalWidth}x${image.naturalHeight}`
          }),
        ),
      icons,
    )
    expect(drawn).toEqual(icons.map(({ sizes }) => sizes))
    expect(complaints).toEqual([])
  })

  it('is served with its type, and asked for again when it may have changed', async () => {
    const served = async (path: string) => {
      const { status, headers } = await fetch(`${application.url}${path}`)
      return [status, headers.get('content-type'), headers.get('cache-control'), headers.has('etag')]
    }
    expect(await served('/manifest.webmanifest')).toEqual([200, 'application/manifest+json', 'no-cache', true])
    for (const icon of ['icon-192', 'icon-512', 'icon-maskable-512', 'apple-touch-icon']) {
      expect(await served(`/${icon}.png`)).toEqual([200, 'image/png', 'no-cache', true])
    }
  })

  // This Chromium has no windows of installed applications, and ignores `display-mode` in `Emulation.setEmulatedMedia`:
  // the page is told that it stands alone, and cannot open another window.
  it.each([
    { provider: 'BankID', organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-2' },
    { provider: 'Vipps', organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-1' },
  ] as const)('logs in with $provider in the one window, and is at home then', async (login) => {
    const { context, page, complaints } = await newVisitor(browser, application.url)
    await context.addInitScript(() => {
      const ask = window.matchMedia.bind(window)
      window.matchMedia = (query) =>
        ask(
          query.replaceAll(
            /\(\s*display-mode:\s*(\w+)\s*\)/g,
            (_, mode) => `(min-width: ${mode === 'standalone' ? 0 : 1e6}px)`,
          ),
        )
      Object.defineProperty(navigator, 'standalone', { value: true })
      window.open = () => {
        throw new Error('There is no other window.')
      }
    })
    const standsAlone = () =>
      page.evaluate(() => ['standalone', 'browser'].map((mode) => window.matchMedia(`(display-mode: ${mode})`).matches))
    const addresses: string[] = []
    page.on('framenavigated', (frame) => frame === page.mainFrame() && addresses.push(new URL(frame.url()).pathname))
    await logIn(page, login)
    await readyLine(page).waitFor()
    expect(await standsAlone()).toEqual([true, false])
    expect(new URL(page.url()).pathname).toBe('/inbox')
    expect(addresses).toContain(`/callback/${login.provider}/${login.organization}`.toLowerCase())
    expect(context.pages()).toEqual([page])
    expect(complaints).toEqual([])
  })
})

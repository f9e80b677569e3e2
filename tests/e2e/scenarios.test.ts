import { setTimeout } from 'node:timers/promises'
import type { ScenarioName, ScenarioSettings } from '@nokkel/sandbox'
import type { Browser, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { agree, beAt, chooseOrganization, consentOf, type Login, leaveFor, logIn, readyLine } from './testing/steps.ts'
import { readStorage } from './testing/storage.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

const organization = 'Hjertelaget'
const asMember = { provider: 'Vipps', organization, person: 'hjertelaget-medlem-1' } as const

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

async function expectFailure(page: Page, text: string): Promise<void> {
  await page.getByRole('heading', { name: 'Innloggingen ble ikke fullført' }).first().waitFor()
  await page.getByRole('alert').getByText(text).waitFor()
  expect(new URL(page.url()).search).toBe('')
}

/** A member has at most one device here, and each visitor is a new one. */
async function finish(page: Page): Promise<void> {
  const replace = page.getByRole('button', { name: 'Bytt til denne enheten' })
  await readyLine(page).or(replace).waitFor()
  if (await replace.isVisible()) await replace.click()
  await readyLine(page).waitFor()
}

/** From the failure straight back to the provider: what was agreed to is not asked again. */
async function tryAgain(page: Page, person: string = asMember.person): Promise<void> {
  await page.getByRole('button', { name: 'Prøv igjen' }).click()
  await page.waitForURL('**/sandbox/**')
  await beAt(page, person)
  await finish(page)
}

/** What the notice after the login tells the person to do about the missing personnummer. */
async function fillTheGap(page: Page, person: string): Promise<void> {
  await page.getByRole('status').getByRole('button', { name: 'Legg til BankID' }).click()
  await agree(page)
  await beAt(page, person)
  await page.getByText('BankID er lagt til.').waitFor()
  await page.getByText('Bekreftet. Vi beholder en kode som kjenner det igjen.').waitFor()
}

/** What the person sees in the end: nothing special, something said although it went well, or why it did not. */
type Seen = 'in' | { readonly inWith: string } | { readonly failure: string }
interface Outcome {
  readonly bankid?: Seen
  readonly vipps?: Seen
  readonly settings?: ScenarioSettings
}

const untrusted = { failure: 'Svaret fra innloggingen kunne ikke bekreftes.' }
const refused = { failure: 'Innloggingen ble avbrutt eller avvist. Ingenting er delt.' }
const unusable = { failure: 'Vi fikk ikke noe brukbart svar fra innloggingstjenesten.' }
const mismatch = { failure: 'Svaret hører ikke til innloggingen du startet.' }
const withoutNumber = { failure: 'Vi fikk ikke lov til å hente fødselsnummeret ditt.' }
const both = (seen: Seen) => ({ bankid: seen, vipps: seen })

const outcomes: Record<ScenarioName, Outcome> = {
  'access-denied': both(refused),
  'missing-nin': {
    bankid: { inWith: 'BankID ga oss ikke fødselsnummeret ditt' },
    vipps: { inWith: 'Legg til BankID under Min konto, så fylles det inn' },
  },
  'invalid-scope': { vipps: withoutNumber },
  'nin-error': { vipps: withoutNumber },
  'unverified-contact': { vipps: 'in' },
  'empty-address': { vipps: 'in' },
  'wrong-nonce': both(untrusted),
  'wrong-issuer': both(untrusted),
  'wrong-audience': both(untrusted),
  'expired-id-token': both(untrusted),
  'low-acr': { bankid: { failure: 'Innloggingen var ikke på et høyt nok sikkerhetsnivå.' } },
  // Nobody asked for it here; an organisation that does is in administration.test.ts.
  'no-app-confirmation': { vipps: 'in' },
  'foreign-signature': both(untrusted),
  'rotated-key': both('in'),
  'expired-code': both(untrusted),
  'reused-code': both(untrusted),
  'slow-token': { ...both('in'), settings: { delayMilliseconds: 500 } },
  'failing-token': both(unusable),
  'cut-token': both(unusable),
  'slow-userinfo': { vipps: 'in', settings: { delayMilliseconds: 500 } },
  'failing-userinfo': { vipps: unusable },
  'failing-userinfo-once': { vipps: 'in' },
  // Nothing of a BankID is read there.
  'userinfo-sub-mismatch': { bankid: 'in', vipps: untrusted },
  'malformed-callback': { vipps: refused },
  'no-iss': { bankid: mismatch },
  'mixed-up-issuer': both(mismatch),
}

const cases = (['bankid', 'vipps'] as const).flatMap((provider) =>
  Object.entries(outcomes).map(([name, { settings = {}, ...seen }]) => ({
    provider,
    name: name as ScenarioName,
    seen: seen[provider],
    settings,
  })),
)

describe.each(cases)('$provider: $name', ({ provider, name, seen, settings }) => {
  // The number of the member is known from other logins here; a newcomer has nothing but this one.
  const newcomer = provider === 'vipps' ? 'ny-person' : 'hjertelaget-medlem-2'
  const person = name === 'missing-nin' ? newcomer : asMember.person
  const login: Login = { provider: provider === 'bankid' ? 'BankID' : 'Vipps', organization, person }

  if (seen === undefined) {
    it('is not a way this provider can misbehave', () => {
      expect(() => application.sandbox.setScenario(provider, name)).toThrow(TypeError)
    })
    return
  }

  it(
    typeof seen === 'object' && 'failure' in seen ? 'ends in a clear state, from which it works' : 'goes well',
    async () => {
      const { page } = visitor
      application.sandbox.setScenario(provider, name, { once: true, ...settings })
      await logIn(page, login)
      if (seen === 'in') return finish(page)
      if ('inWith' in seen) {
        await page.getByRole('status').getByText(seen.inWith).waitFor()
        await finish(page)
        if (provider === 'vipps') await fillTheGap(page, person)
        return
      }
      await expectFailure(page, seen.failure)
      if (seen === withoutNumber) {
        await page.getByRole('button', { name: 'Fortsett uten fødselsnummer' }).click()
        await agree(page)
        await beAt(page, person)
        return finish(page)
      }
      if (name === 'low-acr') {
        await page.getByRole('button', { name: 'Logg inn med Vipps i stedet' }).click()
        await agree(page)
        await beAt(page, person)
        return finish(page)
      }
      await tryAgain(page, person)
    },
  )
})

describe('before the person has agreed', () => {
  const sent = (page: Page) => {
    const requests: string[] = []
    page.on('request', (request) => request.method() === 'POST' && requests.push(new URL(request.url()).pathname))
    return requests
  }

  it('says what will be shared, and neither stores nor sends anything', async () => {
    const { page } = visitor
    const requests = sent(page)
    await chooseOrganization(page, organization)
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    const consent = consentOf(page)
    await consent.waitFor()
    expect(await consent.getByRole('listitem').allInnerTexts()).toEqual([
      'Navnet ditt',
      'Mobilnummeret ditt',
      'E-postadressen din',
      'Adressen din',
    ])
    expect(await consent.getByRole('checkbox', { name: 'Del fødselsnummeret mitt også' }).isChecked()).toBe(false)
    expect(requests).toEqual([])
    expect((await readStorage(page)).names).toEqual([])
  })

  it.each(['Escape', 'Nei, avbryt'])('takes %s for a no', async (answer) => {
    const { page } = visitor
    const requests = sent(page)
    await chooseOrganization(page, organization)
    const button = page.getByRole('button', { name: 'Logg inn med Vipps' })
    await button.click()
    const consent = consentOf(page)
    await consent.waitFor()
    if (answer === 'Escape') await page.keyboard.press('Escape')
    else await consent.getByRole('button', { name: answer }).click()
    await consent.waitFor({ state: 'detached' })
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)
    expect(requests).toEqual([])
    expect((await readStorage(page)).names).toEqual([])
    await button.click()
    await agree(page)
    await beAt(page, asMember.person)
    await finish(page)
  })

  it('asks Vipps for the personnummer only with a yes', async () => {
    const { page } = visitor
    const scopes: string[] = []
    page.on('request', (request) => {
      const scope = new URL(request.url()).searchParams.get('scope')
      if (scope) scopes.push(scope)
    })
    await leaveFor(page, { ...asMember, personnummer: false })
    expect(scopes).toHaveLength(1)
    expect(scopes[0]?.split(' ')).not.toContain('nin')
    await leaveFor(page, asMember)
    expect(scopes).toHaveLength(2)
    expect(scopes[1]?.split(' ')).toContain('nin')
  })
})

describe('a login that is interrupted', () => {
  it('when the person cancels at the provider', async () => {
    const { page } = visitor
    await leaveFor(page, asMember)
    await page.locator('[data-action="cancel"]').click()
    await expectFailure(page, refused.failure)
    await tryAgain(page)
  })

  it('when the person cancels while we wait for the provider', async () => {
    const { page } = visitor
    application.sandbox.setScenario('vipps', 'slow-token', { once: true, delayMilliseconds: 2000 })
    await leaveFor(page, asMember)
    // Before the login has ended.
    await beAt(page, asMember.person, { answers: false })
    await page.getByText('Bekrefter innloggingen hos Vipps').waitFor()
    await page.getByRole('button', { name: 'Avbryt innloggingen' }).click()
    await page.getByRole('heading', { name: 'Logg inn', exact: true }).waitFor()
    await logIn(page, asMember)
    await finish(page)
  })

  it('when the person cancels while the page of the provider is on its way', async () => {
    const { context, page } = visitor
    const cancelled = page.waitForEvent('console', (said) => said.text() === 'cancelled')
    await context.route('**/sandbox/vipps/**', async (route) => {
      await cancelled
      // Nobody waits for it any more.
      await route.continue().catch(() => {})
    })
    await chooseOrganization(page, organization)
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await consentOf(page).waitFor()
    // Playwright itself waits for a page that is on its way before it presses anything.
    await page.evaluate(() => {
      const timer = setInterval(() => {
        const buttons = [...document.querySelectorAll<HTMLButtonElement>('dialog button')]
        const cancel = buttons.find(({ innerText }) => innerText === 'Avbryt innloggingen')
        if (!cancel || !document.body.innerText.includes('Vi venter på at du kommer tilbake fra Vipps')) return
        clearInterval(timer)
        window.setTimeout(() => {
          cancel.click()
          console.info('cancelled')
        }, 500)
      }, 50)
    })
    await consentOf(page)
      .getByRole('button', { name: /^Ja, gå til / })
      .click({ noWaitAfter: true })
    await cancelled
    await setTimeout(3000)
    expect(new URL(page.url()).pathname).toBe('/login')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await context.unroute('**/sandbox/vipps/**')
    await logIn(page, asMember)
    await finish(page)
  })

  it('when the button is pressed twice', async () => {
    const { page } = visitor
    let begun = 0
    page.on('request', (request) => {
      if (request.method() === 'POST' && new URL(request.url()).pathname === '/nokkel/login') begun += 1
    })
    await chooseOrganization(page, organization)
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).dblclick()
    await consentOf(page).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(1)
    await consentOf(page)
      .getByRole('button', { name: /^Ja, gå til / })
      .dblclick()
    await page.waitForURL('**/sandbox/**')
    expect(begun).toBe(1)
    await beAt(page, asMember.person)
    await finish(page)
  })

  it('when a callback is used again', async () => {
    const { page } = visitor
    const used = page.waitForRequest((request) => request.url().includes('/callback/vipps/'))
    await logIn(page, asMember)
    await finish(page)
    let completed = 0
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === '/nokkel/login/complete') completed += 1
    })
    await page.goto((await used).url())
    await readyLine(page).waitFor()
    expect(completed).toBe(0)
    expect(new URL(page.url()).search).toBe('')
  })

  it('when a callback belongs to another browser', async () => {
    const { page } = visitor
    const other = await newVisitor(browser, application.url)
    const kept = other.page.waitForRequest((request) => request.url().includes('/callback/vipps/'))
    await other.context.route('**/nokkel/login/complete', (route) => route.abort())
    await logIn(other.page, asMember)
    await page.goto((await kept).url())
    await expectFailure(page, 'Innloggingen ble ikke startet her, eller den er for gammel.')

    await leaveFor(page, asMember)
    await page.goto((await kept).url())
    await expectFailure(page, mismatch.failure)
    await tryAgain(page)
    await other.context.close()
  })

  it('when the tab was closed at the provider', async () => {
    const { context, page } = visitor
    await leaveFor(page, asMember)
    await page.close()
    const next = await context.newPage()
    await logIn(next, asMember)
    await finish(next)
  })

  it('when the person goes back from the provider', async () => {
    const { page } = visitor
    await leaveFor(page, asMember)
    await page.goBack()
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await agree(page)
    await beAt(page, asMember.person)
    await finish(page)
  })

  it('when the provider never comes up, after half a minute in which our page was seen', async () => {
    const { context, page } = visitor
    await page.clock.install()
    await context.route('**/sandbox/vipps/**', (route) => route.fulfill({ status: 204 }))
    await chooseOrganization(page, organization)
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await consentOf(page)
      .getByRole('button', { name: /^Ja, gå til / })
      .click()
    await page.getByText('Vi venter på at du kommer tilbake fra Vipps').waitFor()
    await page.clock.runFor(29_000)
    expect(await page.getByText('Vi venter på at du kommer tilbake fra Vipps').isVisible()).toBe(true)
    await page.clock.runFor(2_000)
    await expectFailure(page, 'Det tok for lang tid før du kom tilbake.')
    await expect
      .poll(async () => (await readStorage(page)).names.filter((name) => name.startsWith('vipps_pkce')))
      .toEqual([])
    await context.unroute('**/sandbox/vipps/**')
    await tryAgain(page)
  })
})

it('ends at home, whatever page of somebody else the link to the login names', async () => {
  const { page } = visitor
  await chooseOrganization(page, organization)
  await page.goto(`/login?${new URLSearchParams({ to: 'https://evil.example/' })}`)
  await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
  await agree(page)
  await beAt(page, asMember.person)
  await finish(page)
  expect(new URL(page.url()).pathname).toBe('/inbox')
})

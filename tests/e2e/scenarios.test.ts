import type { ScenarioName } from '@nokkel/sandbox'
import type { Browser, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { beAt, leaveFor, logIn, readyLine } from './testing/steps.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

const asMember = { provider: 'Vipps', organization: 'Hjertelaget', person: 'hjertelaget-medlem-1' } as const

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
  await page.getByRole('heading', { name: 'Innloggingen ble ikke fullført' }).waitFor()
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

async function tryAgain(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Prøv igjen' }).click()
  await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
  await beAt(page, asMember.person)
  await finish(page)
}

describe('a login that fails ends in a clear state, from which the next one works', () => {
  it('when the person cancels', async () => {
    const { page } = visitor
    await leaveFor(page, asMember)
    await page.locator('[data-action="cancel"]').click()
    await expectFailure(page, 'Innloggingen ble avbrutt eller avvist. Ingenting er delt.')
    await tryAgain(page)
  })

  const untrusted = 'Svaret fra innloggingen kunne ikke bekreftes.'
  const misbehaviours: readonly (readonly [ScenarioName, string])[] = [
    ['wrong-nonce', untrusted],
    ['wrong-issuer', untrusted],
    ['foreign-signature', untrusted],
    ['reused-code', untrusted],
    ['failing-token', 'Innloggingstjenesten svarte ikke.'],
    ['malformed-callback', 'Innloggingen ble avbrutt eller avvist.'],
  ]

  it.each(misbehaviours)('when the provider misbehaves: %s', async (scenario, text) => {
    const { page } = visitor
    application.sandbox.setScenario('vipps', scenario, { once: true })
    await logIn(page, asMember)
    await expectFailure(page, text)
    await tryAgain(page)
  })

  it('when the provider is slow, after saying what is waited for', async () => {
    const { page } = visitor
    application.sandbox.setScenario('vipps', 'slow-token', { once: true, delayMilliseconds: 1500 })
    await logIn(page, asMember)
    await page.getByText('Bekrefter innloggingen hos Vipps').waitFor()
    await finish(page)
  })

  it('when a callback is used again', async () => {
    const { page } = visitor
    const used = page.waitForRequest((request) => request.url().includes('/callback/vipps/'))
    await logIn(page, asMember)
    await finish(page)
    await page.goto((await used).url())
    await expectFailure(page, 'Innloggingen ble ikke startet her, eller den er for gammel.')
    await page.getByRole('button', { name: 'Prøv igjen' }).click()
    await readyLine(page).waitFor()
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
    await expectFailure(page, 'Svaret hører ikke til innloggingen du startet.')
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
    await beAt(page, asMember.person)
    await finish(page)
  })
})

it('ends at home, whatever page of somebody else the link to the login names', async () => {
  const { page } = visitor
  await page.goto('/login')
  await page.getByLabel('Virksomhet').selectOption({ label: asMember.organization })
  await page.goto(`/login?${new URLSearchParams({ to: 'https://evil.example/' })}`)
  await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
  await beAt(page, asMember.person)
  await finish(page)
  expect(new URL(page.url()).pathname).toBe('/inbox')
})

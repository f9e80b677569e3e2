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

/** What the login page would hear of an organisation whose ways in do not all work. */
async function pretend(page: Page, available: readonly string[]): Promise<void> {
  await page.route('**/nokkel/organizations', async (route) => {
    const answer = await route.fetch()
    const { organizations } = await answer.json()
    for (const { providers } of organizations) {
      for (const provider of providers) provider.available = available.includes(provider.id)
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
    await pretend(page, ['bankid'])
    await chooseOrganization(page, 'Nordlys')
    await page.getByText('Vipps virker ikke i Nordlys akkurat nå. Logg inn med BankID.').waitFor()
    expect(await page.getByRole('button', { name: 'Logg inn med Vipps' }).count()).toBe(0)
    await see(page, 'login-unavailable')
  })

  it('an organisation without any says so, and whom to ask', async () => {
    const { page } = await newVisitor(browser, application.url)
    await pretend(page, [])
    await chooseOrganization(page, 'Nordlys')
    await page.getByText('Ingen kan logge inn i Nordlys akkurat nå').waitFor()
    await page.getByText('Be administratoren i Nordlys').waitFor()
    expect(await page.getByRole('button', { name: /^Logg inn med/ }).count()).toBe(0)
    await see(page, 'login-no-way')
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

import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { look } from './testing/look.ts'
import { agree, beAt, leaveFor, logIn, readyLine } from './testing/steps.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

let application: Application
let browser: Browser

beforeAll(async () => {
  ;[application, browser] = await Promise.all([startApplication(), launchBrowser()])
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
})

const see = (page: Page, name: string) => look(page, name, 'account')
const logins = (page: Page) => page.getByRole('region', { name: 'Måter å logge inn på' })
const alert = (page: Page, text: string) => page.getByRole('alert').getByText(text)

describe('a person who adds a way in and removes it', () => {
  let here: Visitor
  const person = 'ny-person'

  beforeAll(async () => {
    here = await newVisitor(browser, application.url)
    await logIn(here.page, { provider: 'BankID', organization: 'Fjordhjelpen', person })
    await readyLine(here.page).waitFor()
  })

  it('finds the account in the menu, with who they are and an id to give away', async () => {
    const { page, context } = here
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: /^Konto og innstillinger/ }).click()
    await page.getByRole('link', { name: 'Min konto' }).click()
    await page.getByRole('heading', { name: 'Min konto', exact: true }).waitFor()
    await page.getByText('Bekreftet. Vi beholder en kode som kjenner det igjen.').waitFor()
    await page.getByRole('button', { name: 'Kopier id-en din' }).click()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^[0-9a-f-]{36}$/)
    await logins(page).getByText('Brukes nå').waitFor()
    await logins(page).getByText('Kan ikke fjernes, for det er den eneste måten').waitFor()
    expect(
      await logins(page)
        .getByRole('button', { name: /^Fjern/ })
        .count(),
    ).toBe(0)
    await see(page, 'account-bankid')
  })

  it('is told when the other login is not completed, and still has the account', async () => {
    const { page } = here
    await logins(page).getByRole('button', { name: 'Legg til Vipps' }).click()
    await page.getByText('Når du legger Vipps til kontoen din').waitFor()
    await agree(page, { personnummer: false })
    await page.locator('[data-action="cancel"]').click()
    await page.getByRole('heading', { name: 'Innloggingen ble ikke lagt til' }).waitFor()
    await alert(page, 'Innloggingen ble avbrutt eller avvist.').waitFor()
    await see(page, 'link-refused')
    await page.reload()
    await page.getByRole('heading', { name: 'Innloggingen ble ikke lagt til' }).waitFor()
    await alert(page, 'Innloggingen ble avbrutt eller avvist.').waitFor()
    expect(new URL(page.url()).pathname).toBe('/account')
    await page.getByRole('button', { name: 'Prøv igjen' }).click()
    await page.waitForURL('**/sandbox/**')
    await beAt(page, person)
    await page.getByText('Vipps er lagt til. Du kan logge inn med den neste gang.').waitFor()
    expect(new URL(page.url()).pathname).toBe('/account')
    await logins(page).getByText('Vipps i Fjordhjelpen').waitFor()
    await logins(page).getByText('Du er logget inn med denne nå.').waitFor()
    await see(page, 'account-both')
    await page.getByRole('link', { name: 'Mine opplysninger' }).click()
    await page.getByText('@person.example').waitFor()
    await page.getByRole('link', { name: 'Min konto' }).click()
    await page.getByRole('heading', { name: 'Min konto', exact: true }).waitFor()
  })

  it('comes in by the added one, and removes the other, which ends where it was logged in with', async () => {
    const other = await newVisitor(browser, application.url)
    const { page } = other
    await logIn(page, { provider: 'Vipps', organization: 'Fjordhjelpen', person, personnummer: false })
    await readyLine(page).waitFor()
    await page.goto('/account')
    const dialog = page.getByRole('dialog', { name: 'Fjerne BankID?' })
    await logins(page).getByRole('button', { name: 'Fjern BankID' }).click()
    await dialog.waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Fjerne BankID?')
    await page.keyboard.press('Enter')
    expect(await dialog.isVisible()).toBe(true)
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await logins(page).getByRole('button', { name: 'Fjern BankID' }).click()
    await see(page, 'remove-login')
    await page.getByRole('button', { name: 'Ja, fjern BankID' }).click()
    await page.getByText('BankID er fjernet.').waitFor()
    await logins(page).getByText('Kan ikke fjernes, for det er den eneste måten').waitFor()
    expect(await logins(page).getByRole('listitem').count()).toBe(1)
    await here.page.goto('/account')
    await here.page.waitForURL('**/login**')
    await other.context.close()
  })

  it('must have logged in lately to change anything', async () => {
    const { page } = here
    await logIn(page, { provider: 'Vipps', organization: 'Fjordhjelpen', person, personnummer: false })
    await readyLine(page).waitFor()
    // As the database tells it, whose clock decides, six minutes from now.
    await page.route('**/nokkel/me', async (route) => {
      const answer = await route.fetch()
      const me = await answer.json()
      const authenticatedAt = new Date(Date.parse(me.session.authenticatedAt) - 6 * 60_000).toISOString()
      await route.fulfill({ response: answer, json: { ...me, session: { ...me.session, authenticatedAt } } })
    })
    await page.goto('/account')
    await logins(page).getByRole('button', { name: 'Legg til BankID' }).click()
    await alert(page, 'må du ha logget inn de siste fem minuttene').waitFor()
    await see(page, 'too-old')
    await page.unroute('**/nokkel/me')
    await page.getByRole('button', { name: 'Logg inn på nytt' }).click()
    await agree(page, { personnummer: false })
    await beAt(page, person)
    await page.getByRole('heading', { name: 'Min konto', exact: true }).waitFor()
    await logins(page).getByRole('button', { name: 'Legg til BankID' }).click()
    await agree(page)
    await beAt(page, person)
    await page.getByText('BankID er lagt til.').waitFor()
  })

  it('is told the same when only the server has noticed', async () => {
    const { page } = here
    const problem = { type: 'urn:nokkel:problem:login_too_old', title: 'Too old', status: 403, code: 'login_too_old' }
    const looked = Promise.withResolvers<void>()
    await page.route('**/nokkel/me/logins/*', async (route) => {
      await looked.promise
      await route.fulfill({ status: 403, contentType: 'application/problem+json', json: problem })
    })
    await logins(page).getByRole('button', { name: 'Fjern BankID' }).click()
    await page.getByRole('button', { name: 'Ja, fjern BankID' }).click()
    // What is being done is not left half-way.
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(1)
    looked.resolve()
    await alert(page, 'må du ha logget inn de siste fem minuttene').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
    await page.unroute('**/nokkel/me/logins/*')
  })

  it('cannot add the login of somebody else', async () => {
    const { page } = await newVisitor(browser, application.url)
    await logIn(page, { provider: 'BankID', organization: 'Hjertelaget', person: 'fjordhjelpen-medlem-2' })
    await readyLine(page).waitFor()
    await page.goto('/account')
    await logins(page).getByRole('button', { name: 'Legg til Vipps' }).click()
    await agree(page)
    await beAt(page, 'hjertelaget-medlem-1')
    await page
      .getByRole('alert')
      .getByText(/er en annen person sin|hører til en annen konto/)
      .waitFor()
    await see(page, 'link-of-somebody-else')
    await page.getByRole('button', { name: 'Lukk' }).click()
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await page.reload()
    await logins(page).getByText('Brukes nå').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  it('is logged out everywhere with one decision', async () => {
    const { page } = here
    const other = await newVisitor(browser, application.url)
    await logIn(other.page, { provider: 'BankID', organization: 'Fjordhjelpen', person })
    await readyLine(other.page).waitFor()
    await page.goto('/account')
    await page.getByRole('button', { name: 'Logg ut alle steder' }).click()
    await page.getByRole('button', { name: 'Ja, logg ut alle steder' }).click()
    await page.waitForURL('**/login')
    await other.page.reload()
    await other.page.waitForURL('**/login**')
    await other.context.close()
  })
})

describe('a login that looks like one of an account that is there already', () => {
  it('is shown to be the same person by the other way in', async () => {
    const { page } = await newVisitor(browser, application.url)
    const person = 'uten-adresse'
    await logIn(page, { provider: 'BankID', organization: 'Likeperson', person })
    await readyLine(page).waitFor()
    await page.goto('/account')
    await logins(page).getByRole('button', { name: 'Legg til Vipps' }).click()
    await agree(page, { personnummer: false })
    await beAt(page, person)
    await page.getByText('Vipps er lagt til.').waitFor()

    const elsewhere = await newVisitor(browser, application.url)
    const at = elsewhere.page
    await logIn(at, { provider: 'Vipps', organization: 'Hjertelaget', person, personnummer: false })
    await at.getByRole('heading', { name: 'Har du en konto her fra før?' }).waitFor()
    await see(at, 'needs-linking')
    const seen = await at.locator('main').innerText()
    expect(seen).not.toContain('Likeperson')
    expect(seen).not.toContain('person.example')

    // It outlives the page, and somebody who says no comes back to it.
    await at.goto('/')
    await at.getByRole('button', { name: 'Logg inn med BankID' }).click()
    await at.getByRole('dialog').waitFor()
    await at.keyboard.press('Escape')
    await at.getByRole('dialog').waitFor({ state: 'hidden' })
    await at.getByRole('heading', { name: 'Har du en konto her fra før?' }).waitFor()
    await at.getByRole('button', { name: 'Logg inn med BankID' }).click()
    await agree(at)
    await beAt(at, 'likeperson-medlem-2')
    await alert(at, 'Denne innloggingen hører til en annen konto.').waitFor()
    // It still waits, with all there is to do about it.
    await at.getByRole('heading', { name: 'Har du en konto her fra før?' }).waitFor()
    for (const name of ['Logg inn med BankID', 'Jeg har ingen annen måte', 'Kontoen er ikke min']) {
      await at.getByRole('button', { name, exact: true }).waitFor()
    }
    await see(at, 'link-mismatch')
    await at.getByRole('button', { name: 'Prøv igjen' }).click()
    await at.waitForURL('**/sandbox/**')
    await beAt(at, person)
    await at.getByText('Innloggingen med Vipps er knyttet til kontoen du hadde fra før').waitFor()
    await see(at, 'linked-after-login')
  })

  it('goes on with an account of its own when there is no other way', async () => {
    const { page } = await newVisitor(browser, application.url)
    await leaveFor(page, { provider: 'Vipps', organization: 'Fjordhjelpen', personnummer: false })
    await beAt(page, 'uten-adresse')
    await page.getByRole('heading', { name: 'Har du en konto her fra før?' }).waitFor()
    await page.getByRole('button', { name: 'Kontoen er ikke min' }).click()
    await page.getByText('Den som finnes fra før, blir ikke rørt.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Jeg har ingen annen måte' }).click()
    await page.getByText('Du får en ny konto, uten det som ligger i den gamle.').waitFor()
    await see(page, 'continue-as-new')
    await page.getByRole('button', { name: 'Ja, lag en ny konto' }).click()
    await readyLine(page).waitFor()
    expect(new URL(page.url()).pathname).toBe('/inbox')
  })
})

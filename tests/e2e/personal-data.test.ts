import { readFile } from 'node:fs/promises'
import { people, syntheticNationalNumber } from '@nokkel/sandbox'
import { sql } from 'kysely'
import type { Browser, Download, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { type Application, startApplication } from './testing/application.ts'
import { clientOf } from './testing/client-of.ts'
import { tabTo } from './testing/keyboard.ts'
import { look } from './testing/look.ts'
import { agree, beAt, leaveFor, logIn, personnummerQuestion, readyLine } from './testing/steps.ts'
import { readStorage } from './testing/storage.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

let database: TestDatabase
let application: Application
let browser: Browser

beforeAll(async () => {
  database = await createTestDatabase('postgres')
  await sql.raw(await readFile(new URL('../../supabase/seed.sql', import.meta.url), 'utf8')).execute(database.owner)
  ;[application, browser] = await Promise.all([startApplication({ database: database.server }), launchBrowser()])
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
  await database?.close()
})

const see = (page: Page, name: string) => look(page, name, 'personal-data')
const numberOf = (person: string) => people.find(({ id }) => id === person)?.nationalNumber ?? ''
const grouped = (digits: string) => `${digits.slice(0, 6)} ${digits.slice(6)}`
const masked = (digits: string) => `${digits.slice(0, 6)} *****`

const card = (page: Page) => page.getByRole('region', { name: 'Fødselsnummer', exact: true })
const consents = (page: Page) => page.getByRole('region', { name: 'Dette har du sagt ja til' })
const exporting = (page: Page) => page.getByRole('region', { name: 'Ta med deg alt' })
const tooOld = (page: Page) => page.getByRole('alert').filter({ hasText: 'Logg inn på nytt først' })
const answer = (page: Page, name: string) => personnummerQuestion(page).getByRole('button', { name }).click()

/** Logs in with BankID, shares the number, and does not answer what is asked then. */
async function share(page: Page, person: string, organization = 'Fjordhjelpen'): Promise<void> {
  await leaveFor(page, { provider: 'BankID', organization })
  await beAt(page, person, { answers: false })
}

async function myData(page: Page): Promise<void> {
  await page.goto('/account/data')
  await page.getByRole('heading', { name: 'Mine opplysninger', level: 1 }).waitFor()
}

const userIdOf = async (page: Page) => (await clientOf(page)).evaluate(({ auth }) => auth.getSnapshot().me?.id ?? '')

/** Six minutes go by since the person logged in. */
async function age(page: Page): Promise<void> {
  await sql`update nokkel.session set authenticated_at = authenticated_at - interval '6 minutes'
    where user_id = ${await userIdOf(page)}::uuid`.execute(database.owner)
}

const documentOf = (page: Page) =>
  page.evaluate(() => document.documentElement.outerHTML + document.title + location.href)

/** All that this origin keeps where a page can read it. */
const plainStorage = (page: Page) =>
  page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]))

async function textOf(download: Download): Promise<string> {
  return readFile(await download.path(), 'utf8')
}

/** Bodies and URLs of what the page asks of the API from now on. */
function recordRequests(page: Page): string[] {
  const sent: string[] = []
  page.on('request', (request) => sent.push(`${request.method()} ${request.url()} ${request.postData() ?? ''}`))
  return sent
}

describe('a number that a provider told', () => {
  let here: Visitor
  const person = 'ny-person'
  const digits = numberOf(person)

  beforeAll(async () => {
    here = await newVisitor(browser, application.url)
  })

  it('is asked for in words that say what is recognised and what is asked later', async () => {
    const { page } = here
    await page.goto('/login')
    await page.getByLabel('Virksomhet').selectOption({ label: 'Fjordhjelpen' })
    await page.getByRole('button', { name: 'Logg inn med BankID' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Om selve nummeret skal lagres, spør vi om etterpå.').waitFor()
    expect(await dialog.getByRole('checkbox').isChecked()).toBe(false)
    await see(page, 'login-consent')
    await page.keyboard.press('Escape')
  })

  it('is asked about after the login, with nothing chosen beforehand, and not answered by a careless Enter', async () => {
    const { page } = here
    await share(page, person)
    const dialog = personnummerQuestion(page)
    await dialog.waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Kan vi lagre fødselsnummeret ditt?')
    await page.keyboard.press('Enter')
    for (const text of [masked(digits), 'BankID', 'personopplysningsloven § 12', 'Tekstversjon: personnummer-v1']) {
      await dialog.getByText(text, { exact: false }).first().waitFor()
    }
    for (const text of ['Fjordhjelpen må noen ganger vite helt sikkert', 'Da slettes nummeret med én gang.']) {
      await dialog.getByText(text, { exact: false }).waitFor()
    }
    expect(await documentOf(page)).not.toContain(digits)
    await see(page, 'question')
    expect((await tabTo(page, 'Ja, lagre nummeret')).visible).toBe(true)
    expect((await tabTo(page, 'Nei, slett det')).visible).toBe(true)
  })

  it('waits on the page of the person when it is not answered, and is asked about once', async () => {
    const { page } = here
    await page.keyboard.press('Escape')
    await personnummerQuestion(page).waitFor({ state: 'detached' })
    await readyLine(page).waitFor()
    await page.getByRole('button', { name: /^Konto og innstillinger/ }).click()
    await page.getByRole('link', { name: 'Min konto' }).click()
    await page.getByRole('link', { name: 'Mine opplysninger' }).click()
    await card(page).getByText('BankID oppga nummeret ditt.').waitFor()
    await card(page).getByText('Nummeret ditt er ikke lagret.').waitFor()
    expect(await personnummerQuestion(page).count()).toBe(0)
    await see(page, 'waiting')
  })

  it('is kept by a yes, and masked', async () => {
    const { page } = here
    const sent = recordRequests(page)
    await card(page).getByRole('button', { name: 'Svar på spørsmålet' }).click()
    await answer(page, 'Ja, lagre nummeret')
    await card(page).getByText('Nummeret er lagret.').waitFor()
    await card(page).getByText(masked(digits)).waitFor()
    await card(page).getByText('BankID', { exact: true }).waitFor()
    // What a provider vouched for is not replaced.
    expect(
      await card(page)
        .getByRole('button', { name: /^Skriv inn/ })
        .count(),
    ).toBe(0)
    await consents(page).getByRole('heading', { name: 'Å lagre fødselsnummeret ditt' }).waitFor()
    await consents(page).getByRole('heading', { name: 'Å kjenne deg igjen på fødselsnummeret' }).waitFor()
    await consents(page).getByText('personnummer-v1').waitFor()
    expect(sent.some((line) => line.startsWith('PUT'))).toBe(true)
    expect(sent.join('\n')).not.toContain(digits)
    expect(await documentOf(page)).not.toContain(digits)
    await see(page, 'kept')
  })

  it('is shown in full to its owner until they hide it or leave the tab, and nowhere else', async () => {
    const { page } = here
    const sent = recordRequests(page)
    const whole = card(page).getByText(grouped(digits))
    await card(page).getByRole('button', { name: 'Vis hele nummeret' }).click()
    await whole.waitFor()
    await see(page, 'shown')
    await card(page).getByRole('button', { name: 'Skjul nummeret' }).click()
    await whole.waitFor({ state: 'detached' })
    await card(page).getByRole('button', { name: 'Vis hele nummeret' }).click()
    await whole.waitFor()
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await whole.waitFor({ state: 'detached' })
    await page.evaluate(() => Reflect.deleteProperty(document, 'visibilityState'))
    await card(page).getByText('Nummeret er skjult igjen.').waitFor()
    for (const text of [digits, grouped(digits)]) {
      expect(await documentOf(page)).not.toContain(text)
      expect(await plainStorage(page)).not.toContain(text)
      expect((await readStorage(page)).bytes).not.toContain(text)
      expect(sent.join('\n')).not.toContain(text)
    }
  })

  it('is hidden by itself after a minute', async () => {
    const { page } = await newVisitor(browser, application.url)
    await page.clock.install()
    await share(page, person)
    await readyLine(page).waitFor()
    await myData(page)
    await card(page).getByRole('button', { name: 'Vis hele nummeret' }).click()
    const whole = card(page).getByText(grouped(digits))
    await whole.waitFor()
    await page.clock.fastForward(55_000)
    expect(await whole.isVisible()).toBe(true)
    await page.clock.fastForward(6_000)
    await whole.waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('is shown only after a login of the last five minutes, which comes back here', async () => {
    const { page } = await newVisitor(browser, application.url)
    await share(page, person)
    await readyLine(page).waitFor()
    await myData(page)
    await age(page)
    await card(page).getByRole('button', { name: 'Vis hele nummeret' }).click()
    await tooOld(page).waitFor()
    await see(page, 'too-old')
    await tooOld(page).getByRole('button', { name: 'Logg inn på nytt' }).click()
    await agree(page, { personnummer: false })
    await beAt(page, person)
    await page.getByRole('heading', { name: 'Mine opplysninger', level: 1 }).waitFor()
    await card(page).getByRole('button', { name: 'Vis hele nummeret' }).click()
    await card(page).getByText(grouped(digits)).waitFor()
    // The page that came later has the device, so what was sealed to it is opened here.
    here = { ...here, page, context: page.context() }
  })

  it('is removed with the consent, which stays as evidence', async () => {
    const { page } = here
    await card(page).getByRole('button', { name: 'Fjern nummeret' }).click()
    const dialog = page.getByRole('dialog', { name: 'Ta tilbake samtykket?' })
    await dialog.getByText('Fødselsnummeret ditt slettes her med én gang.').waitFor()
    await see(page, 'withdraw')
    await dialog.getByRole('button', { name: 'Ja, ta det tilbake' }).click()
    await card(page).getByText('Nummeret ditt er ikke lagret.').waitFor()
    expect(await card(page).getByText(masked(digits)).count()).toBe(0)
    await consents(page).getByText('Vis 1 som ikke gjelder lenger').click()
    await consents(page).getByText('Gjelder ikke lenger', { exact: true }).waitFor()
    await see(page, 'withdrawn')
    const { rows } = await sql`select personnummer from public.user_identities
      where user_id = ${await userIdOf(page)}::uuid`.execute(database.owner)
    expect(rows).toEqual([{ personnummer: null }])
  })
})

describe('a number that a provider told and the person does not want kept', () => {
  it('is gone by a no, which is told', async () => {
    const { page } = await newVisitor(browser, application.url)
    await share(page, 'fjordhjelpen-medlem-1')
    await answer(page, 'Nei, slett det')
    await page.getByText('Nummeret er ikke lagret, og det BankID oppga, er slettet.').waitFor()
    await readyLine(page).waitFor()
    await myData(page)
    await card(page).getByText('Nummeret ditt er ikke lagret.').waitFor()
    expect(await card(page).getByText('oppga nummeret ditt').count()).toBe(0)
    expect(await consents(page).getByRole('heading', { name: 'Å lagre fødselsnummeret ditt' }).count()).toBe(0)
    const { rows } = await sql`select from nokkel.offered_personnummer
      where user_id = ${await userIdOf(page)}::uuid`.execute(database.owner)
    expect(rows).toEqual([])
    await page.context().close()
  })

  it('is told to be gone when the hour has passed', async () => {
    const { page } = await newVisitor(browser, application.url)
    await share(page, 'fjordhjelpen-medlem-2')
    await personnummerQuestion(page).waitFor()
    await sql`update nokkel.offered_personnummer set offered_at = offered_at - interval '2 hours',
      expires_at = expires_at - interval '2 hours' where user_id = ${await userIdOf(page)}::uuid`.execute(
      database.owner,
    )
    await answer(page, 'Ja, lagre nummeret')
    await personnummerQuestion(page).getByText('Vi har ikke lenger det BankID eller Vipps oppga.').waitFor()
    await page.context().close()
  })
})

describe('a number that a person types', () => {
  let here: Visitor
  // Of nobody in the sandbox.
  const digits = syntheticNationalNumber('1971-06-09', 3)
  const dialog = (page: Page) => page.getByRole('dialog', { name: 'Skriv inn fødselsnummeret ditt' })
  const field = (page: Page) => dialog(page).getByLabel('Fødselsnummer eller D-nummer')
  const save = (page: Page) => dialog(page).getByRole('button', { name: 'Lagre nummeret' }).click()

  beforeAll(async () => {
    here = await newVisitor(browser, application.url)
    await logIn(here.page, {
      provider: 'Vipps',
      organization: 'Hjertelaget',
      person: 'hjertelaget-medlem-1',
      personnummer: false,
    })
    await readyLine(here.page).waitFor()
    await myData(here.page)
  })

  it('is checked on the device, which says what is wrong and never repeats it', async () => {
    const { page } = here
    const sent = recordRequests(page)
    await card(page).getByRole('button', { name: 'Skriv det inn selv' }).click()
    await save(page)
    await dialog(page).getByText('Skriv inn nummeret først.').waitFor()
    await dialog(page).getByText('Vi kan bare lagre nummeret om du sier ja.').waitFor()
    expect(await page.evaluate(() => document.activeElement?.getAttribute('inputmode'))).toBe('numeric')
    const swapped = `${digits.slice(0, 9)}${digits[10]}${digits[9]}`
    const wrong = [
      ['12a4', 'Bruk bare sifre.'],
      ['123456789', 'Det mangler 2 sifre.'],
      ['1234567890123', 'Det er 2 sifre for mye.'],
      ['99138512345', 'De seks første sifrene er ikke en fødselsdato.'],
      [
        swapped === digits ? `${digits.slice(0, 10)}x` : swapped,
        /Kontrollsifrene til slutt passer ikke|Bruk bare sifre/,
      ],
    ] as const
    for (const [typed, said] of wrong) {
      await field(page).fill(typed)
      await dialog(page).getByText(said).waitFor()
      expect(await dialog(page).innerText()).not.toContain(typed)
      await save(page)
    }
    await see(page, 'typing')
    expect(sent.filter((line) => line.startsWith('PUT'))).toEqual([])
  })

  it('is kept as unconfirmed, and is in the document at no time', async () => {
    const { page } = here
    const sent = recordRequests(page)
    await field(page).fill(grouped(digits))
    expect(await documentOf(page)).not.toContain(digits.slice(6))
    await save(page)
    await dialog(page).getByText('Vi kan bare lagre nummeret om du sier ja.').waitFor()
    await dialog(page).getByRole('checkbox').check()
    await save(page)
    await card(page).getByText('Deg selv, ikke bekreftet').waitFor()
    await card(page).getByText(masked(digits)).waitFor()
    const put = sent.filter((line) => line.startsWith('PUT'))
    expect(put).toHaveLength(1)
    expect(put[0]).toContain('"sealed"')
    expect(sent.join('\n')).not.toContain(digits)
    await see(page, 'typed')
  })

  it('may be replaced by another one', async () => {
    const { page } = here
    const other = syntheticNationalNumber('1971-06-09', 5)
    await card(page).getByRole('button', { name: 'Skriv inn et annet' }).click()
    await field(page).fill(other)
    await dialog(page).getByRole('checkbox').check()
    await save(page)
    await dialog(page).waitFor({ state: 'detached' })
    await card(page).getByRole('button', { name: 'Vis hele nummeret' }).click()
    await card(page).getByText(grouped(other)).waitFor()
  })

  it('is all of it in English, too', async () => {
    const { page } = here
    await page.getByRole('button', { name: 'Skjul nummeret' }).click()
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'My data', level: 1 }).waitFor()
    await page.getByText('Yourself, not confirmed').waitFor()
    await see(page, 'english')
    await page.getByRole('button', { name: 'Norsk' }).click()
  })
})

describe('contact details', () => {
  it('go with the consent they are held by', async () => {
    const { page } = await newVisitor(browser, application.url)
    await logIn(page, { provider: 'Vipps', organization: 'Nordlys', person: 'nordlys-medlem-1', personnummer: false })
    await readyLine(page).waitFor()
    await myData(page)
    await page.getByText('@person.example').waitFor()
    await consents(page).getByRole('button', { name: 'Ta tilbake: Å kunne nå deg' }).click()
    await page.getByText('Mobilnummeret, e-posten og adressen din slettes').waitFor()
    await page.getByRole('button', { name: 'Ja, ta det tilbake' }).click()
    await consents(page).getByText('Samtykket er tatt tilbake').waitFor()
    await page.getByText('@person.example').waitFor({ state: 'detached' })
    await page.context().close()
  })
})

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
    for (const text of [masked(digits), 'BankID', 'personopplysningsloven § 12', 'personnummer-v1']) {
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
    await personnummerQuestion(page).getByText('Spørsmålet gjelder ikke lenger:').waitFor()
    await page.context().close()
  })
})

describe('a number that waits for an answer', () => {
  const notice = (page: Page) => page.getByRole('status').filter({ hasText: 'BankID oppga nummeret ditt.' })
  const open = (page: Page) => notice(page).getByRole('button', { name: 'Svar på spørsmålet' }).click()

  it('is told on every page after a reload, and one answer is that of every tab', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    await share(page, 'hjertelaget-medlem-2', 'Hjertelaget')
    await personnummerQuestion(page).waitFor()
    await page.reload()
    await notice(page).waitFor()
    expect(await personnummerQuestion(page).count()).toBe(0)
    await page.getByRole('link', { name: 'Selskaper' }).click()
    await page.getByRole('heading', { name: 'Selskaper', level: 1 }).waitFor()
    await notice(page).waitFor()
    await see(page, 'waiting-notice')
    const other = await context.newPage()
    await other.goto('/inbox')
    await open(other)
    await personnummerQuestion(other).waitFor()
    await open(page)
    await answer(page, 'Ja, lagre nummeret')
    await page.getByText('Nummeret er lagret.').waitFor()
    await personnummerQuestion(other).waitFor({ state: 'detached' })
    await other.getByText('Nummeret er lagret.').waitFor()
    expect(await other.getByText('Nummeret er ikke lagret').count()).toBe(0)
    await context.close()
  })

  it('is not said to be gone by a no that comes too late', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    await share(page, 'fjordhjelpen-medlem-2')
    await personnummerQuestion(page).waitFor()
    // The answer of another device: nothing tells this one.
    const client = await clientOf(page)
    await client.evaluate(({ identity }) => identity.keepOffered({ version: 'personnummer-v1' }))
    await answer(page, 'Nei, slett det')
    await personnummerQuestion(page).getByText('Spørsmålet gjelder ikke lenger:').waitFor()
    await personnummerQuestion(page).getByRole('button', { name: 'Lukk' }).click()
    await personnummerQuestion(page).waitFor({ state: 'detached' })
    expect(await page.getByText('Nummeret er ikke lagret').count()).toBe(0)
    await context.close()
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

describe('everything that is held', () => {
  const person = 'likeperson-medlem-2'
  const digits = numberOf(person)
  let here: Visitor

  beforeAll(async () => {
    here = await newVisitor(browser, application.url)
    await share(here.page, person, 'Likeperson')
    await answer(here.page, 'Ja, lagre nummeret')
    await here.page.getByText('Nummeret er lagret.').waitFor()
    await readyLine(here.page).waitFor()
    await myData(here.page)
  })

  it('is given only after a login of the last five minutes', async () => {
    const { page } = here
    await age(page)
    await exporting(page).getByRole('button', { name: 'Hent opplysningene mine' }).click()
    await exporting(page).getByRole('alert').getByText('en innlogging fra de siste fem minuttene').waitFor()
    await exporting(page).getByRole('button', { name: 'Logg inn på nytt' }).click()
    await agree(page, { personnummer: false })
    await beAt(page, person)
    await page.getByRole('heading', { name: 'Mine opplysninger', level: 1 }).waitFor()
  })

  it('is saved for a machine, with the number', async () => {
    const { page } = here
    await exporting(page).getByText('Innholdet kan vi ikke lese.').waitFor()
    await exporting(page).getByRole('button', { name: 'Hent opplysningene mine' }).click()
    await exporting(page).getByText('Opplysningene er klare.').waitFor()
    expect(await documentOf(page)).not.toContain(digits)
    await see(page, 'export')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      exporting(page).getByRole('button', { name: 'Lagre som JSON' }).click(),
    ])
    expect(download.suggestedFilename()).toMatch(/^nokkel-opplysninger-\d{4}-\d\d-\d\d\.json$/)
    const exported = JSON.parse(await textOf(download))
    expect(exported).toMatchObject({ format: 'nokkel/export/v1', personnummer: digits })
    expect(exported.data.consent).toHaveLength(2)
    await exporting(page).getByText(`Lagret som ${download.suggestedFilename()}.`).waitFor()
  })

  it('is saved as a page that needs nothing else to be read', async () => {
    const { page } = here
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      exporting(page).getByRole('button', { name: 'Lagre som side du kan lese' }).click(),
    ])
    const html = await textOf(download)
    expect(html).toContain(digits)
    expect(html).not.toMatch(/(?:src|href)="(?!#)|url\(|<script|@import/i)
    const reader = await browser.newContext({ offline: true })
    const saved = await reader.newPage()
    const requested: string[] = []
    saved.on('request', (request) => requested.push(request.url()))
    await saved.setContent(html)
    await saved.getByRole('heading', { name: 'Opplysninger om deg i Nøkkel', level: 1 }).waitFor()
    await saved.getByRole('heading', { name: 'Samtykker', level: 2 }).waitFor()
    await saved.getByText(digits).waitFor()
    await see(saved, 'export-page')
    expect(requested).toEqual([])
    await reader.close()
    // Both are saved.
    await exporting(page).getByText('er borte fra denne fanen').waitFor()
    expect(
      await exporting(page)
        .getByRole('button', { name: /^Lagre som/ })
        .count(),
    ).toBe(0)
  })

  it('is in the page no longer than five minutes, or a minute in which nobody looks, and then for a newer login', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    await page.clock.install()
    await logIn(page, { provider: 'BankID', organization: 'Fjordhjelpen', person: 'ny-person', personnummer: false })
    await readyLine(page).waitFor()
    await myData(page)
    const ready = exporting(page).getByText('Opplysningene er klare.')
    const fetch = async () => {
      await exporting(page).getByRole('button', { name: 'Hent opplysningene mine' }).click()
      await ready.waitFor()
    }
    await fetch()
    const show = (visibilityState: string) =>
      page.evaluate((state) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
        document.dispatchEvent(new Event('visibilitychange'))
      }, visibilityState)
    await show('hidden')
    await page.clock.fastForward(50_000)
    await show('visible')
    await page.clock.fastForward(50_000)
    expect(await ready.isVisible()).toBe(true)
    await show('hidden')
    await page.clock.fastForward(61_000)
    await ready.waitFor({ state: 'detached' })
    await show('visible')
    await fetch()
    await page.clock.fastForward(290_000)
    expect(await ready.isVisible()).toBe(true)
    await page.clock.fastForward(11_000)
    await ready.waitFor({ state: 'detached' })
    await exporting(page).getByText('Hent dem på nytt om du trenger dem.').waitFor()
    // The clock of the server did not go on with that of the page.
    await age(page)
    await exporting(page).getByRole('button', { name: 'Hent opplysningene mine' }).click()
    await exporting(page).getByRole('alert').getByText('en innlogging fra de siste fem minuttene').waitFor()
    await context.close()
  })

  it('is told why when it fails, and may be asked for again', async () => {
    const { page } = here
    await page.reload()
    await page.route('**/nokkel/me/export', (route) => route.abort())
    await exporting(page).getByRole('button', { name: 'Hent opplysningene mine' }).click()
    await exporting(page).getByRole('alert').waitFor()
    await page.unroute('**/nokkel/me/export')
    await exporting(page).getByRole('button', { name: 'Hent opplysningene mine' }).click()
    await exporting(page).getByText('Opplysningene er klare.').waitFor()
    await page.context().close()
  })
})

describe('erasing the account', () => {
  const erased = (page: Page) => page.getByRole('heading', { name: 'Kontoen er slettet', level: 1 })
  const word = (page: Page) => page.getByLabel('Skriv SLETT for å bekrefte')
  const deed = (page: Page) => page.getByRole('button', { name: 'Slett kontoen for godt' })
  const maybe = (page: Page) => page.getByRole('alert').getByText('Vi vet ikke om kontoen ble slettet.')

  async function preview(page: Page): Promise<void> {
    await page.goto('/account/erase')
    await page.getByRole('region', { name: 'Dette slettes' }).waitFor()
  }

  it('waits until somebody else looks after what only this person does', async () => {
    const { page } = await newVisitor(browser, application.url)
    await logIn(page, { provider: 'BankID', organization: 'Likeperson', person: 'likeperson-medlem-1' })
    await readyLine(page).waitFor()
    const userId = await userIdOf(page)
    await sql`with company as (
        insert into public.company (organization_id, name)
        select id, 'Fjellbygg AS' from public.organization where slug = 'likeperson'
        returning id, organization_id
      )
      insert into public.company_member (company_id, organization_id, user_id, role)
      select c.id, c.organization_id, m.user_id, case when m.user_id = ${userId}::uuid then 'administrator' else 'member' end
      from company c join public.organization_member m on m.organization_id = c.organization_id`.execute(database.owner)
    await preview(page)
    await page.getByText('Du er den eneste administratoren i Fjellbygg AS.').waitFor()
    expect(await deed(page).count()).toBe(0)
    await see(page, 'blocked')
    await page.getByRole('link', { name: 'Gjør en annen til administrator' }).click()
    await page.getByRole('heading', { name: 'Fjellbygg AS' }).first().waitFor()
    await sql`update public.company_member set role = 'administrator'
      where company_id = (select id from public.company where name = 'Fjellbygg AS')`.execute(database.owner)
    await preview(page)
    await deed(page).waitFor()
    // It is in the way again, and only the server knows yet.
    await sql`update public.company_member set role = 'member'
      where user_id <> ${userId}::uuid and company_id = (select id from public.company where name = 'Fjellbygg AS')`.execute(
      database.owner,
    )
    await word(page).fill('slett')
    await deed(page).click()
    await page.getByRole('alert').filter({ hasText: 'erasure_blocked' }).waitFor()
    await page.getByRole('alert').getByRole('button', { name: 'Se etter på nytt' }).click()
    await page.getByText('Du er den eneste administratoren i Fjellbygg AS.').waitFor()
    await page.context().close()
  })

  it('takes the word, a login of the last five minutes and an answer; nothing is left here, and a certificate is given', async () => {
    const person = 'nordlys-medlem-2'
    const { page } = await newVisitor(browser, application.url)
    const elsewhere = await newVisitor(browser, application.url)
    for (const at of [elsewhere.page, page]) {
      await logIn(at, { provider: 'BankID', organization: 'Nordlys', person })
      await at.getByRole('button', { name: /^Konto og innstillinger/ }).waitFor()
    }
    const userId = await userIdOf(page)
    const { givenName, familyName } = people.find(({ id }) => id === person) ?? {}
    await preview(page)
    await page.getByText('Sikkerhetskopier med opplysningene er borte senest').waitFor()
    await see(page, 'erase')

    await word(page).fill('nei')
    await deed(page).click()
    await page.getByText('Skriv SLETT i feltet.').waitFor()
    await word(page).fill('SLETT')
    await age(page)
    await deed(page).click()
    await tooOld(page).waitFor()
    await tooOld(page).getByRole('button', { name: 'Logg inn på nytt' }).click()
    await agree(page)
    await beAt(page, person, { answers: false })
    await page.waitForURL('**/account/erase')
    // Who has come to leave is not asked whether something may be kept.
    await deed(page).waitFor()
    expect(await personnummerQuestion(page).count()).toBe(0)

    await page.route('**/nokkel/me/erasure', (route) =>
      route.request().method() === 'POST' ? route.abort() : route.continue(),
    )
    await word(page).fill('slett')
    await deed(page).click()
    await maybe(page).waitFor()
    await page.unroute('**/nokkel/me/erasure')

    await word(page).fill('slett')
    await deed(page).click()
    await erased(page).waitFor()
    expect(await documentOf(page)).not.toContain(userId)
    expect(await page.getByText(`${givenName} ${familyName}`).count()).toBe(0)
    await see(page, 'erased')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Lagre beviset' }).click(),
    ])
    const text = await textOf(download)
    expect(JSON.parse(text)).toMatchObject({ removed: { app_user: 1 }, certificate: expect.stringMatching(/^ey/) })
    const [, payload = ''] = JSON.parse(text).certificate.split('.')
    for (const said of [text, Buffer.from(payload, 'base64url').toString()]) {
      for (const secret of [userId, givenName, familyName, numberOf(person)]) expect(said).not.toContain(secret)
    }
    const stored = await readStorage(page)
    expect(stored.names.filter((name) => name.includes(userId))).toEqual([])
    expect(stored.privateKeys.filter(({ algorithm }) => algorithm !== 'AES-GCM')).toEqual([])
    expect(await plainStorage(page)).not.toContain('nordlys')
    const { rows } = await sql`select from public.app_user where auth_user_id = ${userId}::uuid`.execute(database.owner)
    expect(rows).toEqual([])

    await page.getByRole('link', { name: 'Til innloggingen' }).click()
    await page.getByLabel('Virksomhet').waitFor()

    await elsewhere.page.reload()
    await elsewhere.page.getByRole('status').getByText('Kontoen er slettet').waitFor()
    expect(new URL(elsewhere.page.url()).search).toBe('')
    await see(elsewhere.page, 'erased-elsewhere')
    expect((await readStorage(elsewhere.page)).names.filter((name) => name.includes(userId))).toEqual([])
    await page.context().close()
    await elsewhere.context.close()
  })

  it('is told at the next contact when the answer was lost', async () => {
    const { page } = await newVisitor(browser, application.url)
    await logIn(page, { provider: 'BankID', organization: 'Nordlys', person: 'nordlys-medlem-1' })
    await page.getByRole('button', { name: /^Konto og innstillinger/ }).waitFor()
    await preview(page)
    const lost = Promise.withResolvers<void>()
    await page.route('**/nokkel/me/erasure', async (route) => {
      if (route.request().method() === 'POST') await route.fetch()
      lost.resolve()
      await route.abort()
    })
    await word(page).fill('slett')
    await deed(page).click()
    await lost.promise
    await maybe(page).waitFor()
    await page.unroute('**/nokkel/me/erasure')
    await page.reload()
    await page.getByRole('status').getByText('Kontoen er slettet').waitFor()
    await page.context().close()
  })
})

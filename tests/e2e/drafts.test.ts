import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { type Application, startApplication } from './testing/application.ts'
import { type Authenticator, addAuthenticator } from './testing/authenticator.ts'
import { clientOf } from './testing/client-of.ts'
import { logIn, readyLine } from './testing/steps.ts'
import { readStorage } from './testing/storage.ts'
import { launchBrowser, newVisitor } from './testing/visitor.ts'

let database: TestDatabase
let application: Application
let browser: Browser
let page: Page
let authenticator: Authenticator

beforeAll(async () => {
  database = await createTestDatabase('postgres')
  await sql.raw(await readFile(new URL('../../supabase/seed.sql', import.meta.url), 'utf8')).execute(database.owner)
  ;[application, browser] = await Promise.all([startApplication({ database: database.server }), launchBrowser()])
  ;({ page } = await newVisitor(browser, application.url))
  authenticator = await addAuthenticator(page)
  await logIn(page, {
    provider: 'BankID',
    organization: 'Fjordhjelpen',
    person: 'fjordhjelpen-koordinator',
    personnummer: false,
  })
  await page.getByRole('button', { name: 'Ja, slå på' }).click()
  await readyLine(page).waitFor()
  await page.getByRole('link', { name: 'Mine nøkler' }).click()
  await page.getByRole('heading', { name: 'Nøkkelen din' }).waitFor({ timeout: 60_000 })
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
  await database?.close()
})

const locked = () => page.getByRole('heading', { name: 'Lås opp Nøkkel', level: 1 })

/** The session locks on the page, and is opened again. `meanwhile`: what is looked at while it is locked. */
async function lockAndUnlock(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
  await page.waitForLoadState('networkidle')
  await authenticator.attend(false)
  const client = await clientOf(page)
  const id = await client.evaluate(({ auth }) => auth.getSnapshot().me?.session.id ?? '')
  await sql`update nokkel.session set authenticated_at = now() - interval '1 hour', unlocked_at = now() - interval '1 hour',
    unlocked_until = now() - interval '1 minute' where id = ${id}::uuid`.execute(database.owner)
  const json = { type: 'urn:nokkel:problem:token_expired', title: 'Expired', status: 401, code: 'token_expired' }
  await page.route(
    '**/nokkel/**',
    (route) =>
      route.request().headers().authorization
        ? route.fulfill({ status: 401, contentType: 'application/problem+json', json })
        : route.continue(),
    { times: 1 },
  )
  await client.evaluate(({ devices }) => devices.list().then(String, String))
  await locked().waitFor()
  await meanwhile()
  await authenticator.attend(true)
  await locked().waitFor({ state: 'detached', timeout: 30_000 })
}

const goTo = async (part: string) => {
  await page.getByRole('navigation', { name: 'Deler av prosjektet' }).getByRole('link', { name: part }).click()
  await page.locator('.subpage[aria-current="page"]', { hasText: part }).waitFor()
}

describe('what was written when the session locked', () => {
  it('is an assignment, which is there again, all but its files, and nowhere meanwhile', async () => {
    await page.goto('/send')
    await page.getByLabel('Tittel').fill('Hemmelig overskrift')
    await page.getByLabel('Innhold').fill('Hemmelig innhold')
    await lockAndUnlock(async () => {
      expect(await page.content()).not.toContain('Hemmelig')
      expect((await readStorage(page)).bytes).not.toContain('Hemmelig')
      expect(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).not.toContain(
        'Hemmelig',
      )
    })
    await page.getByText('Filer må du legge ved på nytt.').waitFor()
    expect(await page.getByLabel('Tittel').inputValue()).toBe('Hemmelig overskrift')
    expect(await page.getByLabel('Innhold').inputValue()).toBe('Hemmelig innhold')
  })

  it('is gone once the person has left it, or loaded the page anew', async () => {
    await page.getByRole('link', { name: 'Innboks' }).click()
    await page.getByRole('heading', { name: 'Innboks', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Nytt oppdrag' }).click()
    await page.getByLabel('Tittel').waitFor()
    expect(await page.getByLabel('Tittel').inputValue()).toBe('')
    await page.getByLabel('Tittel').fill('Hemmelig')
    await lockAndUnlock(async () => {
      await page.reload()
      await locked().waitFor()
    })
    await page.getByLabel('Tittel').waitFor()
    expect(await page.getByLabel('Tittel').inputValue()).toBe('')
  })

  it('is a specification and a comment, and leaving asks about them as before', async () => {
    await page.goto('/rfx')
    await page.getByRole('button', { name: 'Nytt prosjekt' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Tittel').fill('Nytt tak på naustet')
    await dialog.getByLabel('Selskap').selectOption({ label: 'Fjordhjelpen Innkjøp' })
    await dialog.getByLabel('Tittel').press('Enter')
    await page.getByRole('heading', { name: 'Nytt tak på naustet', level: 1 }).waitFor()
    await goTo('Kommentarer')
    await page.getByLabel('Ny kommentar').fill('Skal taket være av torv?')
    await goTo('Spesifikasjon')
    await page.getByRole('button', { name: 'Skriv spesifikasjonen' }).click()
    await page.getByLabel('Overskrift').fill('Torv')
    await lockAndUnlock(async () => expect(await page.content()).not.toContain('Torv'))
    await page.getByText('Det du hadde begynt på før siden låste seg, er her igjen.').waitFor()
    expect(await page.getByLabel('Overskrift').inputValue()).toBe('Torv')
    await page.getByRole('link', { name: 'Innboks' }).click()
    await page.getByRole('alertdialog').getByRole('button').first().click()
    await page.getByRole('button', { name: 'Lagre', exact: true }).click()
    await page.getByRole('heading', { name: 'Torv', level: 3 }).waitFor()
    await goTo('Kommentarer')
    expect(await page.getByLabel('Ny kommentar').inputValue()).toBe('Skal taket være av torv?')
  })
})

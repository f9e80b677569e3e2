import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findStoredKeys } from '../../packages/client/src/testing/stored-keys.ts'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { createRfx, storeWrap, wrapNewKey } from '../../tools/testing/managed-keys.ts'
import { type Application, startApplication } from './testing/application.ts'
import { accessibilityViolations } from './testing/axe.ts'
import { clientOf } from './testing/client-of.ts'
import { mainThreadGap } from './testing/main-thread.ts'
import { agree, logIn, lookAgain, readyLine } from './testing/steps.ts'
import { readStorage } from './testing/storage.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

const organization = 'Likeperson'
const company = 'Fjord og Fjell Bygg'

let database: TestDatabase
let application: Application
let browser: Browser
let coordinator: Visitor
let colleague: Visitor

beforeAll(async () => {
  database = await createTestDatabase('postgres')
  await sql.raw(await readFile(new URL('../../supabase/seed.sql', import.meta.url), 'utf8')).execute(database.owner)
  ;[application, browser] = await Promise.all([startApplication({ database: database.server }), launchBrowser()])
  coordinator = await newVisitor(browser, application.url, { makesKeys: true })
  colleague = await newVisitor(browser, application.url)
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
  await database?.close()
})

const digits = (text: string) => text.replace(/\D/g, '')
const fingerprintOf = async (page: Page) => digits(await page.locator('.fingerprint').first().innerText())

/** Projects that are wrapped to the active key of a person; the first one is damaged. */
async function shareProjects(ownerId: string, organizationId: string, count: number): Promise<string[]> {
  const { rows } = await sql<{ id: string; public_key: string }>`
    select id, public_key from public.user_key
    where user_id = ${ownerId}::uuid and state = 'active'`.execute(database.owner)
  const key = rows[0]
  if (!key) throw new Error('the person has no key')
  const projects: string[] = []
  for (let index = 0; index < count; index++) {
    const rfxId = await createRfx(database, organizationId)
    const { wrap } = await wrapNewKey(key.public_key)
    const place = { rfxId, owner: 'user', ownerId, keyId: key.id } as const
    await storeWrap(database, place, index === 0 ? Buffer.alloc(512, 1).toString('base64') : wrap)
    projects.push(rfxId)
  }
  return projects
}

async function meOf(page: Page) {
  const client = await clientOf(page)
  return client.evaluate(({ auth }) => {
    const { me } = auth.getSnapshot()
    return { id: me?.id ?? '', organizationId: me?.organization.id ?? '' }
  })
}

async function expectAccessible(page: Page, where: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    expect(await accessibilityViolations(page), `${where}, ${colorScheme}`).toEqual([])
  }
  await page.emulateMedia({ colorScheme: 'light' })
}

describe('a managed key', () => {
  let first = ''

  it('is there after the login, with nothing to do, made beside the main thread', async () => {
    const { page } = coordinator
    await page.addInitScript(() => {
      const generateKey = SubtleCrypto.prototype.generateKey
      SubtleCrypto.prototype.generateKey = function (this: SubtleCrypto, ...given: Parameters<typeof generateKey>) {
        if (JSON.stringify(given[0]).includes('RSA')) console.error('an RSA key is made on the main thread')
        return generateKey.apply(this, given)
      } as typeof generateKey
    })
    await logIn(page, { provider: 'BankID', organization, person: 'likeperson-koordinator' })
    await readyLine(page).waitFor()
    await page.getByRole('link', { name: 'Mine nøkler' }).click()
    await page.getByRole('heading', { name: 'Nøkkelen din' }).waitFor({ timeout: 60_000 })
    first = await fingerprintOf(page)
    expect(first).toMatch(/^\d{30}$/)
    await page.getByText('Ingen prosjekter er låst med den ennå').waitFor()
    await page.getByText('De som drifter tjenesten, kunne gjort det').waitFor()
    const { longest, turns } = await mainThreadGap(page)
    console.log(`managed key: longest main-thread gap ${longest.toFixed(1)} ms in ${turns} turns`)
    await expectAccessible(page, '/keys')
  })

  it('is made once, although the first attempt ends with its page', async () => {
    const { page } = colleague
    let attempts = 0
    await page.route(/\/private-key-worker-/, async (route) => {
      attempts += 1
      if (attempts > 1) await route.fallback()
    })
    await logIn(page, { provider: 'Vipps', organization, person: 'likeperson-medlem-1' })
    await readyLine(page).waitFor()
    await expect.poll(() => attempts, { timeout: 20_000 }).toBe(1)
    await page.goto('/keys')
    await page.getByRole('heading', { name: 'Nøkkelen din' }).waitFor()
    const { id } = await meOf(page)
    const { rows } = await sql`select from public.user_key where user_id = ${id}::uuid`.execute(database.owner)
    expect(rows).toHaveLength(1)
    await page.unroute(/\/private-key-worker-/)
  })

  it('is replaced after an explanation; what opens moves, and what does not is named', async () => {
    const { page } = coordinator
    const { id, organizationId } = await meOf(page)
    const [damaged = ''] = await shareProjects(id, organizationId, 4)
    await lookAgain(page)
    await page.getByText('4 prosjekter er låst med den').waitFor()

    await page.getByRole('button', { name: 'Lag ny nøkkel' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Prosjektene kan leses hele tiden.').waitFor()
    await dialog.getByText('Andre ser et nytt fingeravtrykk.').waitFor()
    await expectAccessible(page, 'making a new key')
    await dialog.getByRole('button', { name: 'Lag ny nøkkel' }).click()
    await dialog.getByText('Den nye nøkkelen er i bruk').waitFor({ timeout: 60_000 })
    await dialog.getByText('3 prosjekter er flyttet.').waitFor()
    await dialog.getByText('1 prosjekt lot seg ikke flytte').waitFor()
    await dialog.getByText(`Prosjekt ${damaged.slice(0, 8)}, nøkkelversjon 1`).waitFor()
    await expectAccessible(page, 'a new key')
    await dialog.getByRole('button', { name: 'Lukk' }).click()

    expect(await fingerprintOf(page)).not.toBe(first)
    await page.getByText('3 prosjekter er låst med den').waitFor()
    await page.getByText('1 prosjekt er ikke flyttet til den nye nøkkelen.').waitFor()
    const older = page.getByRole('listitem').filter({ hasText: 'Erstattet' })
    await older.getByText('1 prosjekt er fortsatt låst med den').waitFor()
    await older.getByText('Vis fingeravtrykk').click()
    await older.locator('.fingerprint').waitFor()
    expect(digits(await older.locator('.fingerprint').innerText())).toBe(first)
    await page.getByRole('button', { name: 'Flytt resten' }).click()
    await page.getByText('1 prosjekt lot seg ikke flytte').waitFor()
    await expectAccessible(page, '/keys with an older key')
  })

  it('opens in memory only', async () => {
    const { page, context } = coordinator
    const client = await clientOf(page)
    const { id } = await meOf(page)
    const { rows } = await sql<{ rfx_id: string }>`
      select m.rfx_id from public.rfx_key_members m join public.user_key k on k.id = m.key_id
      where m.user_id = ${id}::uuid and k.state = 'active'`.execute(database.owner)
    const opened = await client.evaluate(async ({ userKeys }, rfxId) => {
      const key = await userKeys.privateKey()
      const unwrapped = await userKeys.unwrap({ rfxId, version: 1, via: 'user' })
      return { extractable: key.extractable, algorithm: key.algorithm.name, byteLength: unwrapped.byteLength }
    }, rows[0]?.rfx_id ?? '')
    expect(opened).toEqual({ extractable: false, algorithm: 'RSA-OAEP', byteLength: 32 })

    await page.evaluate(
      (key) => localStorage.setItem('planted', key),
      Buffer.from(`3082094402010030${'0d06092a864886f70d0101010500'.padEnd(80, '0')}`, 'hex').toString('base64'),
    )
    expect(await page.evaluate(findStoredKeys)).toEqual([{ place: 'localStorage', form: 'base64' }])
    await page.evaluate(() => localStorage.removeItem('planted'))
    expect(await page.evaluate(findStoredKeys)).toEqual([])
    expect(await context.cookies(application.url)).toEqual([])
    expect((await readStorage(page)).names.toSorted()).toEqual([`device_v1.${id}`, 'login_done_v1', 'session_v1'])
  })

  it('that may be compromised makes way for another at once', async () => {
    const { page } = coordinator
    const before = await fingerprintOf(page)
    await page.getByRole('button', { name: 'Nøkkelen kan være på avveie' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Prosjektene den kunne åpne, merkes også.').waitFor()
    await expectAccessible(page, 'reporting a key')
    await dialog.getByRole('button', { name: 'Ja, meld nøkkelen på avveie' }).click()
    await dialog.getByText('3 prosjekter er merket').waitFor({ timeout: 60_000 })
    await dialog.getByRole('button', { name: 'Lukk' }).click()
    expect(await fingerprintOf(page)).not.toBe(before)
    await page
      .getByRole('listitem')
      .filter({ hasText: 'Meldt på avveie' })
      .getByText('Slettet', { exact: true })
      .waitFor()
  })

  it('that was replaced and deleted can still be reported, with all it could open', async () => {
    const { page } = coordinator
    const dialog = page.getByRole('dialog')
    await page.getByRole('button', { name: 'Lag ny nøkkel' }).click()
    await dialog.getByRole('button', { name: 'Lag ny nøkkel' }).click()
    await dialog.getByText('3 prosjekter er flyttet.').waitFor({ timeout: 60_000 })
    await dialog.getByRole('button', { name: 'Lukk' }).click()
    const before = await fingerprintOf(page)

    const deleted = page.getByRole('listitem').filter({ hasText: 'Slettet', hasNotText: 'Meldt på avveie' })
    await deleted.getByText('Vis fingeravtrykk').click()
    await deleted.getByRole('button', { name: 'Nøkkelen kan være på avveie' }).click()
    await dialog.getByText('Nøkkelen som er i bruk nå, påvirkes ikke.').waitFor()
    await expectAccessible(page, 'reporting a deleted key')
    await dialog.getByRole('button', { name: 'Ja, meld nøkkelen på avveie' }).click()
    await dialog.getByRole('heading', { name: 'Nøkkelen er meldt på avveie' }).waitFor()
    await dialog.getByText('3 prosjekter er merket').waitFor()
    await dialog.getByRole('button', { name: 'Lukk' }).click()
    await deleted.waitFor({ state: 'detached' })
    expect(await fingerprintOf(page)).toBe(before)
  })
})

describe('a company', () => {
  let link = ''

  it('is registered by a coordinator', async () => {
    const { page } = coordinator
    await page.getByRole('link', { name: 'Selskaper' }).click()
    await page.getByRole('heading', { name: 'Ingen selskaper ennå' }).waitFor()
    await expectAccessible(page, '/companies, empty')
    await page.getByRole('button', { name: 'Registrer selskap' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Registrer selskap' }).click()
    await dialog.getByText('Skriv navnet på selskapet').waitFor()
    await dialog.getByLabel('Navn').fill(company)
    await dialog.getByLabel('Organisasjonsnummer').fill('123')
    await dialog.getByText('Et organisasjonsnummer har ni sifre').waitFor()
    await expectAccessible(page, 'registering a company')
    await dialog.getByLabel('Organisasjonsnummer').fill('912 345 678')
    await dialog.getByRole('button', { name: 'Registrer selskap' }).click()
    await page.getByRole('heading', { name: company }).waitFor()
    await page.getByRole('heading', { name: 'Selskapet har ingen nøkkel ennå' }).waitFor()
    await expectAccessible(page, '/companies/$id without a key')
  })

  it('gets a key', async () => {
    const { page } = coordinator
    await page.getByRole('button', { name: 'Lag nøkkel' }).click()
    await page.getByRole('heading', { name: 'Selskapets nøkkel' }).waitFor({ timeout: 60_000 })
    expect(await fingerprintOf(page)).toMatch(/^\d{30}$/)
  })

  it('is joined by link, whose code no server sees', async () => {
    await coordinator.page.getByRole('button', { name: 'Lag invitasjon' }).click()
    link = await coordinator.page.getByLabel('Invitasjonslenke').inputValue()
    await coordinator.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await coordinator.page.getByRole('button', { name: 'Kopier lenken' }).click()
    await coordinator.page.getByRole('button', { name: 'Kopiert' }).waitFor()
    expect(await coordinator.page.evaluate(() => navigator.clipboard.readText())).toBe(link)
    await expectAccessible(coordinator.page, '/companies/$id with an invitation')

    const { page, context } = colleague
    await page.getByRole('button', { name: /^Konto og innstillinger/ }).click()
    await page.getByRole('button', { name: 'Logg ut' }).click()
    await page.waitForURL('**/login')
    const requested: string[] = []
    context.on('request', (request) => requested.push(request.url()))
    const code = link.split('#')[1] ?? ''
    expect(code).toHaveLength(22)
    // The code outlasts the login.
    await page.goto(link)
    await page.waitForURL('**/login?to=%2Fjoin')
    await page.getByLabel('Virksomhet').selectOption({ label: organization })
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await agree(page)
    await page.locator('[data-person="likeperson-medlem-1"]').click()
    await page.getByRole('heading', { name: 'Bli med i et selskap' }).waitFor()
    await page.getByText('Du blir med som Kari Nordmann.').waitFor()
    expect(page.url()).not.toContain(code)
    await expectAccessible(page, '/join')
    await page.getByRole('button', { name: 'Bli med' }).click()
    await page.getByRole('heading', { name: company }).waitFor()
    expect(requested.filter((url) => url.includes(code))).toEqual([])
    expect(await fingerprintOf(page)).toBe(await fingerprintOf(coordinator.page))
    expect(await page.getByRole('button', { name: 'Lag ny nøkkel' }).count()).toBe(0)
    await expectAccessible(page, '/companies/$id as a member')
  })

  it('is not joined twice with the same link', async () => {
    const { page } = await newVisitor(browser, application.url)
    await logIn(page, { provider: 'Vipps', organization, person: 'likeperson-medlem-2' })
    await readyLine(page).waitFor()
    // The page is open already, so that the link changes nothing but what is after the `#`.
    await page.goto('/join')
    await page.getByLabel('Lenke eller kode').waitFor()
    await page.goto(link)
    await page.getByText('Du er invitert.').waitFor()
    await page.getByRole('button', { name: 'Bli med' }).click()
    await page.getByText('Invitasjonen er brukt, utløpt eller har aldri funnes.').waitFor()
    await page.goto('/companies')
    await page.getByText(company).waitFor()
    await page.getByText('Vis fingeravtrykk').click()
    await page.locator('.fingerprint').waitFor()
    expect(await fingerprintOf(page)).toBe(await fingerprintOf(coordinator.page))
    await expectAccessible(page, '/companies')
  })

  it('has administrators who decide who else is one', async () => {
    const { page } = coordinator
    await lookAgain(page)
    await page.getByRole('button', { name: 'Gjør Kari Nordmann til administrator' }).click()
    await page.getByRole('button', { name: 'Gjør Kari Nordmann til vanlig medlem' }).waitFor()
    await lookAgain(colleague.page)
    await colleague.page.getByRole('button', { name: 'Lag ny nøkkel' }).waitFor()
    await page.getByRole('button', { name: 'Gjør Kari Nordmann til vanlig medlem' }).click()
    await page.getByRole('button', { name: 'Gjør Kari Nordmann til administrator' }).waitFor()
  })

  it('is left, which ends the access at once', async () => {
    const { page } = colleague
    await page.getByRole('button', { name: 'Forlat selskapet' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Du mister tilgangen til selskapets prosjekter med en gang.').waitFor()
    await expectAccessible(page, 'leaving a company')
    await dialog.getByRole('button', { name: 'Ja, forlat selskapet' }).click()
    await page.getByText('Du er ikke med i noe selskap ennå.').waitFor()
    await lookAgain(coordinator.page)
    await coordinator.page.getByText('Kari Nordmann').waitFor({ state: 'detached' })
    await coordinator.page.getByRole('button', { name: 'Forlat selskapet' }).click()
    await coordinator.page.getByRole('button', { name: 'Ja, forlat selskapet' }).click()
    await coordinator.page.getByText('Et selskap må ha minst én administrator.').waitFor()
    await coordinator.page.keyboard.press('Escape')
  })
})

describe('the whole story', () => {
  it('leaves nothing key-like in any storage', async () => {
    for (const { page } of [coordinator, colleague]) expect(await page.evaluate(findStoredKeys)).toEqual([])
  })

  it('passes without a complaint of a browser, but for what was refused', () => {
    const expected = /409 \(Conflict\)/
    expect([...coordinator.complaints, ...colleague.complaints].filter((line) => !expected.test(line))).toEqual([])
  })
})

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { type Application, startApplication } from './testing/application.ts'
import { type Authenticator, addAuthenticator } from './testing/authenticator.ts'
import { clientOf } from './testing/client-of.ts'
import { tabTo } from './testing/keyboard.ts'
import { look } from './testing/look.ts'
import {
  agree,
  beAt,
  type Login,
  leaveFor,
  logIn,
  lookAgain,
  personnummerQuestion,
  readyLine,
} from './testing/steps.ts'
import { readStorage } from './testing/storage.ts'
import { launchBrowser, newVisitor, returningVisitor, type Visitor } from './testing/visitor.ts'

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

const see = (page: Page, name: string) => look(page, name, 'biometrics')
const expired = 'Økten din er utløpt – logg inn på nytt'

const prompt = (page: Page) => page.getByRole('dialog', { name: 'Vil du låse opp med ansikt, finger eller PIN?' })
const banner = (page: Page) => page.getByRole('status').filter({ hasText: 'Opplåsing er slått på for denne enheten.' })
const locked = (page: Page) => page.getByRole('heading', { name: 'Lås opp Nøkkel', level: 1 })
const card = (page: Page) => page.getByRole('region', { name: 'Opplåsing på denne enheten' })
const confirm = (page: Page) => prompt(page).getByRole('button', { name: 'Ja, slå på' }).click()

/** Says no. What goes when it has been remembered is the question: a page that is left before may ask again. */
async function decline(page: Page): Promise<void> {
  await prompt(page).getByRole('button', { name: 'Ikke nå' }).click()
  await prompt(page).waitFor({ state: 'detached' })
}

/** The prompt has taken the place that the width of the window gives it, which it does with the next frame. */
const placed = (page: Page, placement: 'center' | 'bottom') =>
  prompt(page)
    .and(page.locator(`[data-placement="${placement}"]`))
    .waitFor()

/** The login is over for the navigation: it has been decided whether something is asked. */
const arrived = (page: Page) => page.waitForFunction(() => !JSON.stringify(history.state).includes('afterLogin'))

type Person = Pick<Login, 'organization' | 'person'> & Partial<Pick<Login, 'provider'>>

/** Logs in, and stands where a login ends. */
async function enter(page: Page, { provider = 'BankID', ...person }: Person): Promise<void> {
  await logIn(page, { provider, ...person, personnummer: false })
  await page.getByRole('button', { name: /^Konto og innstillinger: / }).waitFor()
}

/** Logs in and says yes. */
async function enroll(page: Page, person: Person): Promise<void> {
  await enter(page, person)
  await confirm(page)
  await banner(page).waitFor()
  await prompt(page).waitFor({ state: 'detached' })
}

async function sessionOf(page: Page): Promise<{ id: string; userId: string }> {
  const client = await clientOf(page)
  return client.evaluate(({ auth }) => {
    const { me } = auth.getSnapshot()
    return { id: me?.session.id ?? '', userId: me?.id ?? '' }
  })
}

/** The next request finds that the access token is too old, as it is ten minutes later. */
async function expireAccess(page: Page): Promise<void> {
  const json = { type: 'urn:nokkel:problem:token_expired', title: 'Expired', status: 401, code: 'token_expired' }
  await page.route(
    '**/nokkel/me',
    (route) => route.fulfill({ status: 401, contentType: 'application/problem+json', json }),
    {
      times: 1,
    },
  )
}

/** An hour goes by in which nobody uses the page, which is then opened again. It must be at rest: one request is answered for. */
async function comeBackAfterAnHour(page: Page, sessionId: string): Promise<void> {
  await page.waitForLoadState('networkidle')
  await sql`
    update nokkel.session set authenticated_at = authenticated_at - interval '1 hour',
      unlocked_at = unlocked_at - interval '1 hour', unlocked_until = unlocked_until - interval '1 hour'
    where id = ${sessionId}::uuid`.execute(database.owner)
  await expireAccess(page)
  await page.reload()
}

/** The names under which something about biometrics is stored. */
async function flags(page: Page): Promise<string[]> {
  return (await readStorage(page)).names.filter((name) => name.startsWith('biometric_'))
}

/** Paths of the API that are asked from now on, in order. */
function recordRequests(page: Page): string[] {
  const paths: string[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/nokkel/')) paths.push(`${request.method()} ${pathname}`)
  })
  return paths
}

const challenges = 'POST /nokkel/session/unlock/challenges'

describe('a first login where there are biometrics', () => {
  const kari: Person = { organization: 'Likeperson', person: 'likeperson-medlem-1' }
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nokkel-browser-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  it('asks, enrols at a yes without a scan, tells the navigation, says so, and after a restart makes the credential, then uses it', async () => {
    let here = await returningVisitor(directory, application.url)
    let authenticator = await addAuthenticator(here.page)
    await enter(here.page, kari)
    await prompt(here.page).waitFor()
    const client = await clientOf(here.page)
    await client.evaluate(({ biometrics }) => {
      const told: string[] = []
      Object.assign(window, { told })
      biometrics.onEvent(({ type }) => told.push(type))
    })
    expect(await here.page.evaluate(() => document.activeElement?.textContent)).toBe(
      'Vil du låse opp med ansikt, finger eller PIN?',
    )
    await confirm(here.page)
    await banner(here.page).waitFor()
    await prompt(here.page).waitFor({ state: 'detached' })
    expect(await here.page.evaluate(() => (window as unknown as { told: string[] }).told)).toEqual([
      'BiometricEnrollmentComplete',
    ])
    expect(new URL(here.page.url()).pathname).toBe('/inbox')
    expect(authenticator.count).toEqual({ made: 0, used: 0 })
    const [flag, ...more] = await flags(here.page)
    expect(more).toEqual([])
    const { id, userId } = await sessionOf(here.page)
    expect(flag).toMatch(/^biometric_enrolled_v1\.[\w-]{22}$/)
    expect(flag).not.toContain(userId)
    await banner(here.page).waitFor({ state: 'detached' })
    // Reloaded, it is not asked again.
    await here.page.reload()
    await readyLine(here.page).waitFor()
    expect(await prompt(here.page).count()).toBe(0)
    let credentials = await authenticator.unplug()
    await here.context.close()

    for (const use of ['made', 'used'] as const) {
      here = await returningVisitor(directory, application.url)
      authenticator = await addAuthenticator(here.page, { credentials })
      const requests = recordRequests(here.page)
      await here.page.goto('/login')
      await comeBackAfterAnHour(here.page, id)
      await readyLine(here.page).waitFor()
      expect(authenticator.count).toEqual({ made: 0, used: 0, [use]: 1 })
      const asked = requests.filter((path) => path.includes('/nokkel/session'))
      expect(asked.slice(asked.indexOf(challenges))).toEqual([challenges, 'POST /nokkel/session/unlock'])
      credentials = await authenticator.unplug()
      expect(credentials).toHaveLength(1)
      expect(here.complaints.filter((complaint) => !complaint.includes('401'))).toEqual([])
      await here.context.close()
    }
  })
})

describe('the question', () => {
  const ola: Person = { organization: 'Likeperson', person: 'likeperson-medlem-2' }

  it('answered with no is told to the navigation, and not asked again on the device, but on another', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const authenticator = await addAuthenticator(page)
    await enter(page, ola)
    await prompt(page).waitFor()
    const client = await clientOf(page)
    await client.evaluate(({ biometrics }) => {
      const told: string[] = []
      Object.assign(window, { told })
      biometrics.onEvent(({ type }) => told.push(type))
    })
    await decline(page)
    expect(await page.evaluate(() => (window as unknown as { told: string[] }).told)).toEqual([
      'BiometricEnrollmentDeclined',
    ])
    expect(new URL(page.url()).pathname).toBe('/inbox')
    expect(await flags(page)).toEqual([expect.stringMatching(/^biometric_declined_v1\./)])
    await page.reload()
    await readyLine(page).waitFor()
    await page.goto('/account')
    await card(page).getByRole('button', { name: 'Slå på' }).waitFor()
    expect(await prompt(page).count()).toBe(0)
    await page.getByRole('button', { name: /^Konto og innstillinger: / }).click()
    await page.getByRole('button', { name: 'Logg ut', exact: true }).first().click()
    await page.waitForURL('**/login')
    await enter(page, ola)
    await readyLine(page).waitFor()
    await page.waitForLoadState('networkidle')
    expect(await prompt(page).count()).toBe(0)
    expect(authenticator.count).toEqual({ made: 0, used: 0 })
    await context.close()
    const other = await newVisitor(browser, application.url)
    await addAuthenticator(other.page)
    await enter(other.page, ola)
    await prompt(other.page).waitFor()
    // Escape is a no, too.
    await other.page.keyboard.press('Escape')
    await prompt(other.page).waitFor({ state: 'detached' })
    expect(await flags(other.page)).toEqual([expect.stringMatching(/^biometric_declined_v1\./)])
    await other.context.close()
  })

  it('is a sheet on a phone and a dialog at a desk, is worked by keyboard, and keeps the focus', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    await addAuthenticator(page)
    await enter(page, { organization: 'Fjordhjelpen', person: 'fjordhjelpen-koordinator' })
    await prompt(page).waitFor()
    await see(page, 'prompt')
    await placed(page, 'center')
    await page.setViewportSize({ width: 360, height: 740 })
    await placed(page, 'bottom')
    const box = await prompt(page).boundingBox()
    expect(box && Math.round(box.y + box.height)).toBe(740)
    expect((await tabTo(page, 'Ja, slå på')).visible).toBe(true)
    expect((await tabTo(page, 'Ikke nå', 1)).visible).toBe(true)
    await page.setViewportSize({ width: 1280, height: 800 })
    await placed(page, 'center')
    await tabTo(page, 'Ja, slå på')
    await page.keyboard.press('Enter')
    await banner(page).waitFor()
    await see(page, 'banner')
    await prompt(page).waitFor({ state: 'detached' })
    expect(await page.evaluate(() => document.activeElement !== document.body)).toBe(true)
    await context.close()
  })

  it('is not asked, and nothing is stored, where there are no biometrics', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const requests = recordRequests(page)
    await enter(page, { organization: 'Hjertelaget', person: 'hjertelaget-medlem-1' })
    await readyLine(page).waitFor()
    await arrived(page)
    expect(await prompt(page).count()).toBe(0)
    expect(await flags(page)).toEqual([])
    expect(requests.filter((path) => path.includes('biometrics'))).toEqual([])
    await page.goto('/account')
    await card(page).getByText('Enheten tilbyr det ikke i denne nettleseren.').waitFor()
    expect(await card(page).getByRole('button').count()).toBe(0)
    await see(page, 'card-unavailable')
    await context.close()
  })

  it('says plainly that it was not turned on where the browser does not keep it, and leaves nothing behind', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    await addAuthenticator(page)
    await page.addInitScript(() => {
      const { put } = IDBObjectStore.prototype
      IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
        if (String(key).startsWith('biometric_enrolled_v1.') && !sessionStorage.getItem('room')) {
          throw new DOMException('No room.', 'QuotaExceededError')
        }
        return put.call(this, value, key)
      }
    })
    await enter(page, { organization: 'Hjertelaget', person: 'hjertelaget-koordinator' })
    await confirm(page)
    const failed = page.getByRole('alert').filter({ hasText: 'Opplåsing ble ikke slått på' })
    await failed.getByText('storage_full').waitFor()
    await see(page, 'not-turned-on')
    expect(await prompt(page).count()).toBe(0)
    expect(await flags(page)).toEqual([])
    const { userId } = await sessionOf(page)
    const { rows } = await sql`select from nokkel.biometric_enrollment where user_id = ${userId}::uuid`.execute(
      database.owner,
    )
    expect(rows).toEqual([])
    await failed.getByRole('link', { name: 'Gå til kontosiden' }).click()
    await page.evaluate(() => sessionStorage.setItem('room', 'yes'))
    await card(page).getByRole('button', { name: 'Slå på' }).click()
    await card(page).getByText('På', { exact: true }).waitFor()
    expect(await flags(page)).toHaveLength(1)
    await context.close()
  })

  it('says so when there is no contact, and nothing is broken', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    await addAuthenticator(page)
    await enter(page, { organization: 'Fjordhjelpen', person: 'fjordhjelpen-koordinator' })
    await prompt(page).waitFor()
    await page.waitForLoadState('networkidle')
    await context.setOffline(true)
    await confirm(page)
    await page
      .getByRole('alert')
      .filter({ hasText: 'Opplåsing ble ikke slått på' })
      .getByText('network_unreachable')
      .waitFor()
    await context.setOffline(false)
    expect(await flags(page)).toEqual([])
    await page.getByRole('alert').getByRole('button', { name: 'Lukk' }).click()
    await readyLine(page).waitFor()
    await context.close()
  })
})

describe('a locked session', () => {
  const magnus: Person = { organization: 'Hjertelaget', person: 'hjertelaget-medlem-2', provider: 'Vipps' }
  let here: Visitor
  let authenticator: Authenticator

  beforeAll(async () => {
    here = await newVisitor(browser, application.url)
    authenticator = await addAuthenticator(here.page, { prf: false })
    await enroll(here.page, magnus)
  })
  afterAll(() => here.context.close())

  it('shows nothing of the person, waits for them, and says why it is still locked', async () => {
    const { page } = here
    const { id } = await sessionOf(page)
    await page.goto('/account')
    await page.getByRole('heading', { name: 'Min konto', exact: true }).waitFor()
    const name = (await page.getByRole('button', { name: /^Konto og innstillinger: / }).innerText()).trim()
    await authenticator.attend(false)
    await comeBackAfterAnHour(page, id)
    await locked(page).waitFor()
    await page.getByText('Venter på at enheten kjenner deg igjen').waitFor()
    expect(await page.title()).toBe('Lås opp Nøkkel – Nøkkel')
    expect(name).not.toBe('')
    expect(await page.content()).not.toContain(name)
    await see(page, 'locked-waiting')
    // Nobody answers: the next try finds somebody who is not the person.
    await page.goto('/login')
    await locked(page).waitFor()
    await authenticator.recognise(false)
    await authenticator.attend(true)
    await page.reload()
    const failed = page.getByRole('alert').filter({ hasText: 'Fortsatt låst' })
    await failed.getByText('biometrics_cancelled').waitFor()
    await see(page, 'locked-failed')
    await page.getByRole('button', { name: 'Prøv igjen' }).click()
    await failed.getByText('biometrics_cancelled').waitFor()
    expect(authenticator.count).toEqual({ made: 0, used: 0 })
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Unlock Nøkkel' }).waitFor()
    await see(page, 'locked-failed-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
  })

  it('does not ask in a tab that nobody looks at, until somebody does', async () => {
    const { page } = here
    await page.getByRole('alert').filter({ hasText: 'Fortsatt låst' }).waitFor()
    await page.addInitScript(() => {
      const { get = () => 'visible' } = Object.getOwnPropertyDescriptor(Document.prototype, 'visibilityState') ?? {}
      Object.defineProperty(document, 'visibilityState', {
        get: () => (sessionStorage.getItem('looks away') ? 'hidden' : get.call(document)),
      })
    })
    await page.evaluate(() => sessionStorage.setItem('looks away', 'yes'))
    const requests = recordRequests(page)
    await page.goto('/account')
    await locked(page).waitFor()
    await page.waitForLoadState('networkidle')
    expect(requests).not.toContain(challenges)
    await see(page, 'locked')
    await page.evaluate(() => sessionStorage.removeItem('looks away'))
    await lookAgain(page)
    await page.getByRole('alert').filter({ hasText: 'Fortsatt låst' }).waitFor()
    // By itself it asks once.
    await lookAgain(page)
    await page.waitForLoadState('networkidle')
    expect(requests.filter((path) => path === challenges)).toHaveLength(1)
  })

  it('says when there is no contact, and nothing of passkeys then', async () => {
    const { page, context } = here
    await page.getByRole('alert').filter({ hasText: 'Fortsatt låst' }).waitFor()
    await context.setOffline(true)
    await page.getByRole('button', { name: 'Prøv igjen' }).click()
    await page.getByRole('alert').getByText('network_unreachable').waitFor()
    expect(await page.getByText('Har du slettet passnøkkelen').count()).toBe(0)
    await context.setOffline(false)
  })

  it('opens where the person was when they are recognised', async () => {
    const { page } = here
    await page.goto('/account')
    await page.getByRole('alert').getByText('biometrics_cancelled').waitFor()
    await page.getByRole('button', { name: 'Prøv igjen' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('biometrics_cancelled').waitFor()
    // The focus is still where one tries again.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Prøv igjen')
    await authenticator.recognise(true)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Min konto', exact: true }).waitFor()
    expect(await page.title()).toBe('Min konto – Nøkkel')
    expect(authenticator.count.made).toBe(1)
    await card(page).getByText('Passnøkkelen blir på denne enheten.').waitFor()
    await see(page, 'card-on')
  })

  it('locks while it is used no more, and takes the person from the page', async () => {
    const { page } = here
    const { id } = await sessionOf(page)
    await page.goto('/companies')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('networkidle')
    const client = await clientOf(page)
    await authenticator.attend(false)
    await sql`update nokkel.session set authenticated_at = now() - interval '1 hour', unlocked_at = now() - interval '1 hour',
      unlocked_until = now() - interval '1 minute' where id = ${id}::uuid`.execute(database.owner)
    // What is asked next is refused: the access token is too old, and it cannot be refreshed.
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
    await locked(page).waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Lås opp Nøkkel')
    expect(await page.getByRole('navigation').count()).toBe(0)
    await authenticator.attend(true)
    await page.getByRole('heading', { name: 'Selskaper', level: 1 }).waitFor()
  })

  it('does not lock under the hands of who only writes', async () => {
    const { page } = here
    const { id } = await sessionOf(page)
    await page.goto('/join')
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForLoadState('networkidle')
    await sql`update nokkel.session set unlocked_until = now() + interval '1 minute' where id = ${id}::uuid`.execute(
      database.owner,
    )
    // The access token has run out by now, as far as this device knows.
    await page.clock.setSystemTime(Date.now() + 15 * 60_000)
    const refreshed = page.waitForResponse((answer) => answer.url().endsWith('/nokkel/session/refresh') && answer.ok())
    await page.keyboard.press('Shift')
    await refreshed
    const { rows } = await sql<{ later: boolean }>`
      select unlocked_until > now() + interval '20 minutes' as later from nokkel.session where id = ${id}::uuid`.execute(
      database.owner,
    )
    expect(rows).toEqual([{ later: true }])
    await page.clock.setSystemTime(Date.now())
  })

  it('is left for a login, with what was used last first, which unlocks as well', async () => {
    const { page } = here
    const { id } = await sessionOf(page)
    await page.goto('/companies')
    await authenticator.recognise(false)
    await comeBackAfterAnHour(page, id)
    await page.getByRole('alert').filter({ hasText: 'Fortsatt låst' }).waitFor()
    await page.goto('/login?to=%2Fcompanies')
    await page.getByRole('alert').filter({ hasText: 'Fortsatt låst' }).waitFor()
    const ways = page.getByRole('button', { name: /^Logg inn med .* i stedet$/ })
    await ways.nth(1).waitFor()
    expect(await ways.allInnerTexts()).toEqual(['Logg inn med Vipps i stedet', 'Logg inn med BankID i stedet'])
    await ways.first().click()
    await agree(page, { personnummer: false })
    await beAt(page, magnus.person)
    await page.getByRole('heading', { name: 'Selskaper', level: 1 }).waitFor()
    expect(await prompt(page).count()).toBe(0)
    await authenticator.recognise(true)
  })

  it('is left for good by logging out, and does not lead the next one to the same page', async () => {
    const { page } = here
    const { id } = await sessionOf(page)
    await page.goto('/companies')
    await authenticator.recognise(false)
    await comeBackAfterAnHour(page, id)
    await locked(page).waitFor()
    await page.getByRole('button', { name: 'Logg ut' }).click()
    await page.getByRole('heading', { name: 'Logg inn', exact: true }).waitFor()
    expect(new URL(page.url()).search).toBe('')
    const { rows } = await sql<{ ended: boolean }>`
      select ended_at is not null as ended from nokkel.session where id = ${id}::uuid`.execute(database.owner)
    expect(rows).toEqual([{ ended: true }])
  })
})

describe('a credential that is lost', () => {
  const person: Person = { organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-1' }

  it('leads to a login, after which a new one is made', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const authenticator = await addAuthenticator(page, { backedUp: true })
    await enroll(page, person)
    let { id } = await sessionOf(page)
    await comeBackAfterAnHour(page, id)
    await readyLine(page).waitFor()
    expect(authenticator.count).toEqual({ made: 1, used: 0 })
    await page.goto('/account')
    await card(page).getByText('Passnøkkelen kan bli kopiert').waitFor()
    await see(page, 'card-copied')

    await authenticator.forget()
    await comeBackAfterAnHour(page, id)
    await page.getByText('Har du slettet passnøkkelen').waitFor()
    await page.getByRole('button', { name: 'Logg inn med BankID i stedet' }).click()
    await agree(page, { personnummer: false })
    await beAt(page, person.person)
    await page.getByRole('heading', { name: 'Min konto', exact: true }).waitFor()
    await card(page).getByRole('button', { name: 'Lag ny passnøkkel' }).click()
    const renew = page.getByRole('dialog', { name: 'Vil du lage ny passnøkkel?' })
    await renew.waitFor()
    await see(page, 'renew')
    await renew.getByRole('button', { name: 'Ja, lag ny' }).click()
    await card(page).getByText('Passnøkkelen lages første gang du låser opp.').waitFor()
    ;({ id } = await sessionOf(page))
    await comeBackAfterAnHour(page, id)
    await card(page).getByText('Passnøkkelen kan bli kopiert').waitFor()
    expect(authenticator.count).toEqual({ made: 2, used: 0 })
    await context.close()
  })
})

describe('a session that has expired', () => {
  const person: Person = { organization: 'Fjordhjelpen', person: 'fjordhjelpen-medlem-2', provider: 'Vipps' }

  it('leads straight to the login, with the reason and what was used last, and asks for no face or finger', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const authenticator = await addAuthenticator(page)
    await enroll(page, person)
    const { id } = await sessionOf(page)
    await comeBackAfterAnHour(page, id)
    await readyLine(page).waitFor()
    expect(authenticator.count).toEqual({ made: 1, used: 0 })
    await page.goto('/companies')
    await page.getByRole('heading', { name: 'Selskaper', level: 1 }).waitFor()

    await page.goto('about:blank')
    const requests = recordRequests(page)
    await page.clock.setSystemTime(Date.now() + 400 * 24 * 60 * 60_000)
    await page.goto('/companies')
    await page.getByText(expired).waitFor()
    expect(requests.filter((path) => path !== 'GET /nokkel/organizations')).toEqual([])
    expect(authenticator.count).toEqual({ made: 1, used: 0 })
    const ways = page.getByRole('button', { name: /^Logg inn med / })
    await ways.nth(1).waitFor()
    expect(await ways.allInnerTexts()).toEqual(['Logg inn med Vipps', 'Logg inn med BankID'])
    await page.getByText('Brukt sist').waitFor()
    expect(
      await ways
        .first()
        .evaluate((button) => document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent),
    ).toBe('Brukt sist')
    await see(page, 'expired')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByText('Your session has expired — please log in again').waitFor()
    await see(page, 'expired-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
    await page.clock.setSystemTime(Date.now())
    // Where the person was.
    await ways.first().click()
    await agree(page, { personnummer: false })
    await beAt(page, person.person)
    await page.getByRole('heading', { name: 'Selskaper', level: 1 }).waitFor()
    await context.close()
  })

  it('is told the same when only the server knows, before anybody is asked for anything', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const authenticator = await addAuthenticator(page)
    await enter(page, { organization: 'Likeperson', person: 'uten-adresse' })
    await decline(page)
    const { id } = await sessionOf(page)
    // One request is answered for: the page must be at rest.
    await page.waitForLoadState('networkidle')
    await sql`update nokkel.session set expires_at = now() - interval '1 minute' where id = ${id}::uuid`.execute(
      database.owner,
    )
    await expireAccess(page)
    await page.reload()
    await page.getByText(expired).waitFor()
    expect(authenticator.count).toEqual({ made: 0, used: 0 })
    await context.close()
  })
})

describe('two tabs', () => {
  it('ask once: the answer in one is that of the other', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    await addAuthenticator(page)
    await enter(page, { organization: 'Nordlys', person: 'nordlys-koordinator' })
    await prompt(page).waitFor()
    const place = await page.evaluate(() => ({ state: history.state, path: location.pathname }))
    const other = await context.newPage()
    await addAuthenticator(other)
    // As where the page of a login is duplicated.
    await other.goto('/login')
    await other.addInitScript((state) => history.replaceState(state, ''), place.state)
    await other.goto(place.path)
    await prompt(other).waitFor()
    await decline(page)
    await prompt(other).waitFor({ state: 'detached' })
    await context.close()
  })

  it('are locked together, and one of them opens both', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const authenticator = await addAuthenticator(page)
    await enroll(page, { organization: 'Nordlys', person: 'nordlys-medlem-1' })
    const { id } = await sessionOf(page)
    const other = await context.newPage()
    const elsewhere = await addAuthenticator(other)
    await elsewhere.attend(false)
    await other.goto('/companies')
    await other.getByRole('heading', { name: 'Selskaper', level: 1 }).waitFor()
    await authenticator.attend(false)
    await comeBackAfterAnHour(page, id)
    await locked(page).waitFor()
    await locked(other).waitFor()
    await authenticator.attend(true)
    await readyLine(page).waitFor()
    await other.getByRole('heading', { name: 'Selskaper', level: 1 }).waitFor()
    expect(authenticator.count.made + elsewhere.count.made).toBe(1)
    expect(elsewhere.count).toEqual({ made: 0, used: 0 })
    await context.close()
  })
})

describe('a device that knows by itself that it is locked', () => {
  it('asks for the person before it asks the server for anything else, also where its clock is wrong', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const authenticator = await addAuthenticator(page)
    await enroll(page, { organization: 'Likeperson', person: 'uten-fnr', provider: 'Vipps' })
    const { id } = await sessionOf(page)
    await comeBackAfterAnHour(page, id)
    await readyLine(page).waitFor()
    expect(authenticator.count).toEqual({ made: 1, used: 0 })
    await sql`update nokkel.session set authenticated_at = now() - interval '1 hour', unlocked_at = now() - interval '1 hour',
      unlocked_until = now() - interval '1 minute' where id = ${id}::uuid`.execute(database.owner)
    await page.goto('about:blank')
    const requests = recordRequests(page)
    await page.clock.setSystemTime(Date.now() + 45 * 60_000)
    await page.goto('/inbox')
    await readyLine(page).waitFor()
    expect(authenticator.count).toEqual({ made: 1, used: 1 })
    const asked = requests.filter((path) => path !== 'GET /nokkel/organizations')
    // A proof with the time of the device is made again when an answer has told the right one.
    expect([...new Set(asked)].slice(0, 2)).toEqual([challenges, 'POST /nokkel/session/unlock'])
    await context.close()
  })
})

describe('two people at one browser', () => {
  it('have nothing to do with each other', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const authenticator = await addAuthenticator(page)
    await enroll(page, { organization: 'Nordlys', person: 'nordlys-medlem-2' })
    const [first] = await flags(page)
    await authenticator.recognise(false)
    await comeBackAfterAnHour(page, (await sessionOf(page)).id)
    // Somebody else finds it locked, and logs in.
    await page.getByRole('alert').filter({ hasText: 'Fortsatt låst' }).waitFor()
    await page.getByRole('button', { name: 'Logg inn med BankID i stedet' }).click()
    await agree(page, { personnummer: false })
    await beAt(page, 'nordlys-koordinator')
    await page.getByRole('button', { name: /^Konto og innstillinger: / }).waitFor()
    await prompt(page).waitFor()
    await decline(page)
    const names = await flags(page)
    expect(names.filter((name) => name.startsWith('biometric_enrolled_v1.'))).toEqual([first])
    expect(names.filter((name) => name.startsWith('biometric_declined_v1.'))).toHaveLength(1)
    // Nobody asked this one to be locked.
    await comeBackAfterAnHour(page, (await sessionOf(page)).id)
    await page.getByRole('button', { name: /^Konto og innstillinger: / }).waitFor()
    expect(await locked(page).count()).toBe(0)
    expect(authenticator.count).toEqual({ made: 0, used: 0 })
    await context.close()
  })
})

describe('two questions after one login', () => {
  it('come one after the other, what may be kept first', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    await addAuthenticator(page)
    await leaveFor(page, { provider: 'BankID', organization: 'Fjordhjelpen' })
    await beAt(page, 'ny-person', { answers: false })
    const first = personnummerQuestion(page)
    await first.waitFor()
    await readyLine(page).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(1)
    await first.getByRole('button', { name: 'Nei, slett det' }).click()
    await first.waitFor({ state: 'detached' })
    await prompt(page).waitFor()
    expect(await page.getByRole('dialog').count()).toBe(1)
    await context.close()
  })
})

describe('a device that is exchanged for another', () => {
  it('is no longer unlocked, and the other one is asked anew', async () => {
    const person: Person = { organization: 'Likeperson', person: 'likeperson-koordinator' }
    const old = await newVisitor(browser, application.url)
    await addAuthenticator(old.page)
    await enroll(old.page, person)
    const { userId } = await sessionOf(old.page)
    const enrolled = async () => {
      const { rows } = await sql<{ device_id: string }>`
        select device_id from nokkel.biometric_enrollment where user_id = ${userId}::uuid`.execute(database.owner)
      return rows.map(({ device_id }) => device_id)
    }
    const before = await enrolled()
    expect(before).toHaveLength(1)

    const next = await newVisitor(browser, application.url)
    await addAuthenticator(next.page)
    await enter(next.page, person)
    const replace = next.page.getByRole('dialog', { name: 'Bytte til denne enheten?' })
    await prompt(next.page).or(replace).first().waitFor()
    // One question at a time, whichever comes first; the yes to the one waits for the answer to the other.
    expect(await next.page.getByRole('dialog').count()).toBe(1)
    const promptFirst = await prompt(next.page).isVisible()
    if (promptFirst) await confirm(next.page)
    await replace.getByRole('button', { name: 'Bytt til denne enheten' }).click()
    if (!promptFirst) await confirm(next.page)
    await banner(next.page).waitFor()
    const after = await enrolled()
    expect(after).toHaveLength(1)
    expect(after).not.toEqual(before)

    await old.page.reload()
    await old.page.getByText('En annen enhet har tatt over').waitFor()
    expect(await flags(old.page)).toEqual([])
    await next.context.close()
    await old.context.close()
  })
})

describe('the card on the account page', () => {
  it('turns it on after a login that is new enough, and off again', async () => {
    const { page, context } = await newVisitor(browser, application.url)
    const authenticator = await addAuthenticator(page)
    const person: Person = { organization: 'Likeperson', person: 'administrator' }
    await enter(page, person)
    await decline(page)
    // Only the server knows how old the login is.
    const json = { type: 'urn:nokkel:problem:login_too_old', title: 'Too old', status: 403, code: 'login_too_old' }
    const tooOld = { status: 403, contentType: 'application/problem+json', json }
    await page.goto('/account')
    await page.route('**/nokkel/biometrics', (route) =>
      route.request().method() === 'POST' ? route.fulfill(tooOld) : route.continue(),
    )
    await card(page).getByRole('button', { name: 'Slå på' }).click()
    await page.getByRole('alert').getByText('Opplåsing kan bare endres rett etter en innlogging.').waitFor()
    expect((await flags(page)).filter((name) => name.startsWith('biometric_enrolled_v1.'))).toEqual([])
    await see(page, 'card-too-old')
    await page.unroute('**/nokkel/biometrics')
    await page.getByRole('button', { name: 'Logg inn på nytt' }).click()
    await agree(page, { personnummer: false })
    await beAt(page, person.person)
    // Back where the person was. Who has said no is not asked by that login either.
    await card(page).getByRole('button', { name: 'Slå på' }).waitFor()
    await arrived(page)
    expect(await prompt(page).count()).toBe(0)
    await card(page).getByRole('button', { name: 'Slå på' }).click()
    await card(page).getByText('På', { exact: true }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/account')
    await card(page).getByRole('button', { name: 'Slå av' }).click()
    const off = page.getByRole('dialog', { name: 'Vil du slå av opplåsing?' })
    await off.waitFor()
    await see(page, 'turn-off')
    await off.getByRole('button', { name: 'Ja, slå av' }).click()
    await card(page).getByText('Av', { exact: true }).waitFor()
    expect((await flags(page)).filter((name) => name.startsWith('biometric_enrolled_v1.'))).toEqual([])
    expect(authenticator.count).toEqual({ made: 0, used: 0 })
    await context.close()
  })
})

import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { accessibilityViolations } from './testing/axe.ts'
import { activate, type Focused, tabTo } from './testing/keyboard.ts'
import { namelessControls } from './testing/names.ts'
import { consentOf, readyLine } from './testing/steps.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

const pages = [
  '/inbox',
  '/sent',
  '/send',
  '/keys',
  '/devices',
  '/account',
  '/account/data',
  '/account/erase',
  '/admin',
  '/companies',
  '/join',
  '/nowhere',
]

describe('the story by keyboard alone', () => {
  let application: Application
  let browser: Browser
  let member: Visitor
  let coordinator: Visitor
  const visited: Focused[] = []

  beforeAll(async () => {
    ;[application, browser] = await Promise.all([startApplication(), launchBrowser()])
    member = await newVisitor(browser, application.url)
    coordinator = await newVisitor(browser, application.url)
  })

  afterAll(async () => {
    await browser?.close()
    await application?.close()
  })

  async function go(page: Page, name: string | RegExp): Promise<void> {
    visited.push(await activate(page, name))
  }

  async function logIn(page: Page, provider: string, organization: string, person: string): Promise<void> {
    await page.goto('/login')
    await page.getByLabel('Virksomhet').waitFor()
    await tabTo(page, 'Virksomhet')
    await page.keyboard.type(organization)
    await page.getByRole('button', { name: `Logg inn med ${provider}` }).waitFor()
    await go(page, `Logg inn med ${provider}`)
    await consentOf(page).waitFor()
    await go(page, `Ja, gå til ${provider}`)
    await page.waitForURL('**/sandbox/**')
    await activate(page, new RegExp(`^${person}`))
    await page.locator('[data-action="approve"]').or(page.locator('#root')).first().waitFor({ state: 'attached' })
    if (await page.locator('[data-action="approve"]').isVisible()) await page.keyboard.press('Enter')
    await readyLine(page).waitFor()
  }

  it('logs in a member and a coordinator', async () => {
    await logIn(member.page, 'Vipps', 'Nordlys', 'Tone Sæther')
    await logIn(coordinator.page, 'BankID', 'Nordlys', 'Henrik Aas')
  })

  it('writes and sends an assignment', async () => {
    const { page } = coordinator
    await go(page, /^Nytt oppdrag$/)
    await page.getByRole('heading', { name: 'Nytt oppdrag', exact: true }).waitFor()
    await tabTo(page, 'Søk etter medlem')
    await page.keyboard.type('Tone')
    await page.getByRole('checkbox', { name: 'Tone Sæther' }).waitFor()
    await tabTo(page, 'Tone Sæther')
    await page.keyboard.press('Space')
    await tabTo(page, /^Tittel/)
    await page.keyboard.type('Snømåking på lørdag')
    await tabTo(page, /^Innhold/)
    await page.keyboard.type('Spade står i boden.')
    await go(page, 'Send til 1 person')
    await page.getByRole('heading', { name: 'Oppdraget er sendt' }).waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Oppdraget er sendt')
    await go(page, 'Se sendte oppdrag')
    await page.getByText('Snømåking på lørdag').waitFor()
  })

  it('opens it', async () => {
    const { page } = member
    await page.reload()
    await page.getByRole('link', { name: /Oppdrag fra Henrik Aas/ }).waitFor()
    await go(page, /Oppdrag fra Henrik Aas/)
    await page.getByRole('heading', { name: 'Snømåking på lørdag' }).waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Snømåking på lørdag')
    await go(page, 'Tilbake til innboksen')
    await page.getByRole('heading', { name: 'Innboks', exact: true }).waitFor()
  })

  it('logs out', async () => {
    const { page } = member
    await go(page, /^Konto og innstillinger/)
    await go(page, 'Logg ut')
    await page.getByRole('heading', { name: 'Logg inn', exact: true }).waitFor()
  })

  it('always shows where the focus is', () => {
    expect(visited.length).toBeGreaterThan(8)
    expect(visited.filter(({ visible }) => !visible)).toEqual([])
  })

  it('jumps over the header', async () => {
    const { page } = coordinator
    await page.goto('/sent')
    await page.getByRole('heading', { name: 'Sendt', exact: true }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content')
  })

  it.each(['/login', ...pages])('names every control of %s', async (path) => {
    const { page } = path === '/login' ? member : coordinator
    await page.goto(path)
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
    expect(await page.locator('html').getAttribute('lang')).toBe('nb')
    expect(await page.title()).toMatch(/ – Nøkkel$/)
    expect(await page.getByRole('main').count()).toBe(1)
    expect(await namelessControls(page)).toEqual([])
  })

  it.each(['light', 'dark'] as const)('has nothing axe complains of, in %s', async (colorScheme) => {
    const complaints: string[] = []
    const look = async (page: Page, where: string) => {
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.waitForLoadState('networkidle')
      complaints.push(...(await accessibilityViolations(page)).map((complaint) => `${where}: ${complaint}`))
    }
    for (const { page } of [member, coordinator]) await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await member.page.goto('/login')
    await look(member.page, '/login')
    for (const path of pages) {
      await coordinator.page.goto(path)
      await look(coordinator.page, path)
    }
    expect(complaints).toEqual([])
  })
})

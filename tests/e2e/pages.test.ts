import { mkdirSync } from 'node:fs'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { agree, logIn, lookAgain, readyLine, send, write } from './testing/steps.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

const pictures = new URL('../../test-output/pages/', import.meta.url).pathname
const widths = [360, 1280] as const
const title = 'Handlehjelp for Åse på Grünerløkka'

let application: Application
let browser: Browser
let member: Visitor
let coordinator: Visitor

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  ;[application, browser] = await Promise.all([startApplication(), launchBrowser()])
  member = await newVisitor(browser, application.url)
  coordinator = await newVisitor(browser, application.url)
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
})

/** Looks at a page at both widths, in light and in dark, and keeps the pictures in `test-output`. */
async function look(page: Page, name: string): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: width === 360 ? 740 : 800 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.screenshot({
        path: `${pictures}${name}-${width}-${colorScheme}.png`,
        fullPage: true,
        animations: 'disabled',
      })
    }
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(excess, `${name} is ${excess} px too wide at ${width} px`).toBeLessThanOrEqual(0)
  }
  await page.setViewportSize({ width: 1280, height: 800 })
}

describe('every page fits a phone and a desk, in light and in dark', () => {
  it('login', async () => {
    const { page } = member
    await page.goto('/login')
    await page.getByLabel('Virksomhet').selectOption({ label: 'Likeperson' })
    await look(page, 'login-nb')
    await page.getByRole('button', { name: 'English' }).click()
    await look(page, 'login-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
  })

  it('a login that was cancelled', async () => {
    const { page } = member
    await page.getByRole('button', { name: 'Logg inn med Vipps' }).click()
    await agree(page)
    await page.locator('[data-action="cancel"]').click()
    await page.getByRole('alert').waitFor()
    await look(page, 'callback-refused')
  })

  it('empty lists', async () => {
    await logIn(member.page, { provider: 'Vipps', organization: 'Likeperson', person: 'likeperson-medlem-1' })
    await readyLine(member.page).waitFor()
    await member.page.getByText('Ingen oppdrag ennå').waitFor()
    await look(member.page, 'inbox-empty')
    await logIn(coordinator.page, {
      provider: 'BankID',
      organization: 'Likeperson',
      person: 'likeperson-koordinator',
    })
    await readyLine(coordinator.page).waitFor()
    await coordinator.page.getByText('Du har ikke sendt noe ennå').waitFor()
    await look(coordinator.page, 'sent-empty')
  })

  it('writing and sending', async () => {
    const { page } = coordinator
    await page.goto('/send')
    await page.getByRole('checkbox').first().waitFor()
    await page.getByRole('button', { name: 'Send oppdraget' }).click()
    await page.getByText('Velg minst én mottaker').waitFor()
    await look(page, 'send-missing')
    const draft = {
      to: 'Kari Nordmann',
      title,
      body: 'Melk, brød og poteter fra Rema. Kvitteringen legges i postkassa.\n\nRing om noe er utsolgt.',
      file: { name: 'Handleliste uke 48.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(240_000, 7) },
    }
    await write(page, draft)
    await look(page, 'send')
    await page.getByRole('button', { name: 'Send til 1 person' }).click()
    await page.getByRole('heading', { name: 'Oppdraget er sendt' }).waitFor()
    await look(page, 'send-done')
    await send(page, { to: 'Kari Nordmann', title: 'Kort beskjed', body: 'Alt er i orden.' })
    await page.goto('/sent')
    await page.getByText(title).waitFor()
    await look(page, 'sent-nb')
    await page.getByRole('button', { name: `Detaljer: ${title}` }).click()
    await page.getByRole('dialog').waitFor()
    await look(page, 'sent-details')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'English' }).click()
    await look(page, 'sent-en')
    await page.goto('/send')
    await page.getByRole('checkbox').first().waitFor()
    await look(page, 'send-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
  })

  it('reading', async () => {
    const { page } = member
    await lookAgain(page)
    await page
      .getByRole('link', { name: /Oppdrag fra Ingrid Solberg/ })
      .last()
      .click()
    await page.getByRole('heading', { name: title }).waitFor()
    await page.getByText('Vis avsenderens fingeravtrykk').click()
    await look(page, 'assignment-nb')
    await page.getByRole('button', { name: 'English' }).click()
    await look(page, 'assignment-en')
    await page.getByRole('link', { name: 'Back to the inbox' }).click()
    await page.getByText(title).waitFor()
    await look(page, 'inbox-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
    await look(page, 'inbox-nb')
  })

  it('devices', async () => {
    const { page } = member
    await page.goto('/devices')
    await page.locator('.fingerprint').first().waitFor()
    await look(page, 'devices-nb')
    await page.getByRole('button', { name: /^Avslutt .+/ }).click()
    await look(page, 'devices-end')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'English' }).click()
    await look(page, 'devices-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
  })

  it('keys', async () => {
    const { page } = coordinator
    await page.goto('/keys')
    await page.locator('.fingerprint').waitFor()
    await look(page, 'keys-nb')
    await page.getByRole('button', { name: 'Lag ny nøkkel' }).click()
    const dialog = page.getByRole('dialog')
    await look(page, 'keys-renew')
    await dialog.getByRole('button', { name: 'Lag ny nøkkel' }).click()
    await dialog.getByText('Ingenting måtte flyttes.').waitFor()
    await look(page, 'keys-renewed')
    await dialog.getByRole('button', { name: 'Lukk' }).click()
    await page.getByRole('heading', { name: 'Eldre nøkler' }).waitFor()
    await page.getByRole('button', { name: 'Nøkkelen kan være på avveie' }).click()
    await look(page, 'keys-report')
    await page.getByRole('button', { name: 'Avbryt' }).click()
    await page.getByRole('button', { name: 'English' }).click()
    await look(page, 'keys-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
  })

  it('companies', async () => {
    const { page } = coordinator
    await page.goto('/companies')
    await page.getByText('Ingen selskaper ennå').waitFor()
    await look(page, 'companies-empty')
    await page.getByRole('button', { name: 'Registrer selskap' }).click()
    await look(page, 'companies-create')
    await page.getByLabel('Navn').fill('Hverdagshjelp og Vaktmestertjenester på Grünerløkka AS')
    await page.getByLabel('Organisasjonsnummer').fill('912345678')
    await page.getByRole('dialog').getByRole('button', { name: 'Registrer selskap' }).click()
    await page.getByText('Selskapet har ingen nøkkel ennå').waitFor()
    await page.getByRole('button', { name: 'Lag invitasjon' }).click()
    const link = await page.getByLabel('Invitasjonslenke').inputValue()
    await member.page.goto(link)
    await member.page.getByText('Du er invitert.').waitFor()
    await look(member.page, 'join')
    await member.page.getByRole('button', { name: 'Bli med' }).click()
    await member.page.getByText('En administrator i selskapet kan lage den.').waitFor()
    await look(member.page, 'company-member')
    await lookAgain(page)
    await page.getByText('Kari Nordmann').waitFor()
    await look(page, 'company-nb')
    await page.getByRole('button', { name: 'Fjern Kari Nordmann' }).click()
    await look(page, 'company-remove')
    await page.getByRole('button', { name: 'Avbryt' }).click()
    await page.getByRole('button', { name: 'English' }).click()
    await look(page, 'company-en')
    await page.getByRole('button', { name: 'Norsk' }).click()
    await page.goto('/companies')
    await page.getByRole('heading', { name: 'Mine selskaper' }).waitFor()
    await look(page, 'companies-nb')
    await page.goto('/join')
    await page.getByRole('button', { name: 'Bli med' }).click()
    await look(page, 'join-without')
  })

  it('changing device', async () => {
    const { page } = await newVisitor(browser, application.url)
    await logIn(page, { provider: 'BankID', organization: 'Likeperson', person: 'likeperson-medlem-1' })
    await page.getByRole('dialog').waitFor()
    await look(page, 'replace')
    await page.getByRole('button', { name: 'Behold den andre' }).click()
    await look(page, 'inbox-without-keys')
    await page.getByRole('button', { name: 'Bruk denne enheten i stedet' }).click()
    await page.getByRole('button', { name: 'Bytt til denne enheten' }).click()
    await readyLine(page).waitFor()
    await look(page, 'inbox-unreadable')
    await member.page.goto('/inbox')
    await member.page.getByText('En annen enhet har tatt over').waitFor()
    await look(member.page, 'login-superseded')
    await coordinator.page.goto('/sent')
    await coordinator.page.getByText('1 kan ikke lese').first().waitFor()
    await look(coordinator.page, 'sent-unreadable')
  })

  it('nothing there', async () => {
    const { page } = coordinator
    await page.goto('/nowhere')
    await page.getByRole('heading', { name: 'Siden finnes ikke' }).waitFor()
    await look(page, 'not-found')
  })
})

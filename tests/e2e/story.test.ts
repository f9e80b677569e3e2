import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, startApplication } from './testing/application.ts'
import { mainThreadGap } from './testing/main-thread.ts'
import { logIn, lookAgain, readyLine, write } from './testing/steps.ts'
import { readStorage } from './testing/storage.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

const title = 'Hjemmebesøk hos Åse på torsdag'
const body = 'Ring på klokka 12.\nÅse liker å gå tur til Frognerparken.'
const attachment = randomBytes(3_000_000)
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('an assignment, from login to reading', () => {
  let application: Application
  let browser: Browser
  let member: Visitor
  let coordinator: Visitor

  beforeAll(async () => {
    ;[application, browser] = await Promise.all([startApplication(), launchBrowser()])
    member = await newVisitor(browser, application.url)
    coordinator = await newVisitor(browser, application.url)
  })

  afterAll(async () => {
    await browser?.close()
    await application?.close()
  })

  it('makes a member ready after a login with Vipps, with nothing to do about keys', async () => {
    const { page } = member
    await logIn(page, { provider: 'Vipps', organization: 'Likeperson', person: 'likeperson-medlem-1' })
    await readyLine(page).waitFor()
    await page.getByRole('heading', { name: 'Innboks', exact: true }).waitFor()
    await page.getByText('Ingen oppdrag ennå').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)

    const { longest, turns } = await mainThreadGap(page)
    console.log(`key generation: longest main-thread gap ${longest.toFixed(1)} ms in ${turns} turns`)
    expect(turns).toBeGreaterThan(1)
  })

  it('lets a coordinator see who is ready, write, attach a file and send it with its progress', async () => {
    const { page } = coordinator
    await logIn(page, { provider: 'BankID', organization: 'Likeperson', person: 'likeperson-koordinator' })
    await page.getByRole('heading', { name: 'Sendt', exact: true }).waitFor()
    await readyLine(page).waitFor()

    const file = { name: 'Tur i parken.pdf', mimeType: 'application/pdf', buffer: attachment }
    await write(page, { to: 'Kari Nordmann', title, body, file })
    const ready = page.locator('.member', { hasText: 'Kari Nordmann' })
    expect(await ready.getByText('Klar', { exact: true }).count()).toBe(1)
    await page.getByLabel('Søk etter medlem').fill('Ola Fjell')
    const waiting = page.locator('.member', { hasText: 'Ola Fjell' })
    await waiting.getByText('Har ikke logget inn ennå').waitFor()
    expect(await waiting.getByRole('checkbox').isDisabled()).toBe(true)

    const progress = page.getByRole('progressbar', { name: 'Fremdrift' })
    await Promise.all([progress.waitFor(), page.getByRole('button', { name: 'Send til 1 person' }).click()])
    await page.getByRole('heading', { name: 'Oppdraget er sendt' }).waitFor()
    await page.getByRole('link', { name: 'Se sendte oppdrag' }).click()
    const sent = page.getByRole('listitem').filter({ hasText: title })
    await sent.getByText('1 venter').waitFor()
  })

  it('shows it to the member without a reload, opens it and downloads the same bytes', async () => {
    const { page } = member
    await page.getByRole('link', { name: /Oppdrag fra Ingrid Solberg/ }).click()
    await page.getByRole('heading', { name: title }).waitFor()
    expect(await page.locator('.assignment-body').innerText()).toBe(body)
    await page.getByText('Signert av Ingrid Solberg').waitFor()

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Last ned Tur i parken.pdf' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('Tur i parken.pdf')
    expect(digest(await readFile(await download.path()))).toBe(digest(attachment))

    await page.getByRole('link', { name: 'Tilbake til innboksen' }).click()
    await page.getByRole('listitem').filter({ hasText: title }).getByText('Åpnet').waitFor()
  })

  it('tells the coordinator that it was opened', async () => {
    const { page } = coordinator
    await lookAgain(page)
    const sent = page.getByRole('listitem').filter({ hasText: title })
    await sent.getByText('1 åpnet').waitFor()
    await sent.getByRole('button', { name: `Detaljer: ${title}` }).click()
    await page.getByRole('dialog').getByText('Kari Nordmann').waitFor()
    await page.keyboard.press('Escape')
  })

  it('lets both compare the fingerprint of the device that signed', async () => {
    await coordinator.page.goto('/devices')
    const own = await coordinator.page.locator('.fingerprint').first().innerText()
    await member.page.getByRole('link', { name: title }).click()
    await member.page.getByText('Vis avsenderens fingeravtrykk').click()
    const shown = member.page.locator('.fingerprint').first()
    await shown.waitFor()
    const seen = await shown.innerText()
    const digits = (text: string) => text.replace(/\D/g, '')
    expect(digits(own)).toMatch(/^\d{30}$/)
    expect(digits(seen)).toBe(digits(own))
  })

  it('keeps private keys that nobody can export and values nobody can read', async () => {
    for (const { page } of [member, coordinator]) {
      const { names, bytes, privateKeys } = await readStorage(page)
      expect(names).toContain('session_v1')
      expect(privateKeys.length).toBeGreaterThanOrEqual(3)
      expect(privateKeys.map(({ algorithm }) => algorithm)).toEqual(
        expect.arrayContaining(['ECDH', 'ECDSA', 'AES-GCM']),
      )
      for (const { exported } of privateKeys) expect(exported).toEqual([])
      for (const readable of ['nrt_', 'accessToken', 'eyJ', 'deviceId']) expect(bytes).not.toContain(readable)
    }
  })

  it('changes to English at once and remembers it', async () => {
    const { page } = member
    await page.goto('/inbox')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Inbox', exact: true }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    await page.reload()
    await page.getByRole('heading', { name: 'Inbox', exact: true }).waitFor()
    await page.getByText(/^Ready – only /).waitFor()
    await page.getByRole('button', { name: 'Norsk' }).click()
    await page.getByRole('heading', { name: 'Innboks', exact: true }).waitFor()
  })

  it('refreshes an expired access token once for two tabs', async () => {
    const { context, page } = member
    const second = await context.newPage()
    const refreshes: string[] = []
    context.on('request', (request) => {
      if (request.url().endsWith('/nokkel/session/refresh')) refreshes.push(request.url())
    })
    await second.goto('/inbox')
    await readyLine(second).waitFor()
    await page.goto('/inbox')
    await readyLine(page).waitFor()
    refreshes.length = 0
    application.advance(601)
    const answered = (tab: typeof page) =>
      tab.waitForResponse((response) => response.url().includes('/nokkel/assignments') && response.ok())
    await Promise.all([answered(page), answered(second), lookAgain(page), lookAgain(second)])
    expect(refreshes).toHaveLength(1)
    await second.close()
  })

  it('passes without a complaint of a browser', () => {
    // A 401 is how a client learns that its access token has expired; browsers report every one.
    const unexpected = (complaint: string) => !/401 \(Unauthorized\)/.test(complaint)
    expect([...member.complaints, ...coordinator.complaints].filter(unexpected)).toEqual([])
  })
})

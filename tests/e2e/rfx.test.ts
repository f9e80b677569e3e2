import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findStoredKeys } from '../../packages/client/src/testing/stored-keys.ts'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { passDeadline } from '../../tools/testing/rfx/projects.ts'
import { type Application, startApplication } from './testing/application.ts'
import { look } from './testing/look.ts'
import { logIn, lookAgain, readyLine } from './testing/steps.ts'
import { launchBrowser, newVisitor, type Visitor } from './testing/visitor.ts'

const organization = 'Fjordhjelpen'
const buyer = 'Fjordhjelpen Innkjøp'
const plumbers = 'Åsgårdstrand Rør'
const painters = 'Fjell Malermester'
const title = 'Ny brygge og båthus på Ørlandet'
const offer = 'Rør og sluk i båthuset, ferdig før påske.'
const otherOffer = 'Tre strøk på båthuset, innvendig og utvendig.'

/** Who takes part, by the `id` that the sandbox gives them. */
const people = {
  silje: 'fjordhjelpen-koordinator',
  marit: 'administrator',
  ingrid: 'likeperson-koordinator',
  bjorn: 'fjordhjelpen-medlem-1',
  aile: 'fjordhjelpen-medlem-2',
  ola: 'likeperson-medlem-2',
  kari: 'likeperson-medlem-1',
} as const

let database: TestDatabase
let application: Application
let browser: Browser
const visitors = {} as Record<keyof typeof people, Visitor>
const pageOf = (name: keyof typeof people): Page => visitors[name].page
let project = ''

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

/** Lets somebody in, and waits until they have a key of their own. */
async function arrive(name: keyof typeof people, options: Parameters<typeof newVisitor>[2] = {}): Promise<Page> {
  visitors[name] = await newVisitor(browser, application.url, options)
  const page = pageOf(name)
  await logIn(page, { provider: 'BankID', organization, person: people[name] })
  await readyLine(page).waitFor()
  await page.getByRole('link', { name: 'Mine nøkler' }).click()
  await page.getByRole('heading', { name: 'Nøkkelen din' }).waitFor({ timeout: 60_000 })
  return page
}

const part = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Deler av prosjektet' }).getByRole('link', { name })

async function goTo(page: Page, name: string): Promise<void> {
  await part(page, name).click()
  await page.locator('.subpage[aria-current="page"]', { hasText: name }).waitFor()
}

async function openProject(page: Page): Promise<void> {
  await page.goto(`/rfx/${project}`)
  await page.getByRole('heading', { name: title, level: 1 }).waitFor()
}

/** A comment in the list, not in the field it is written in. */
const comment = (page: Page, text: string) => page.getByRole('listitem').filter({ hasText: text })

async function write(page: Page, text: string): Promise<void> {
  await page.getByLabel('Ny kommentar').fill(text)
  await page.getByRole('button', { name: 'Send kommentaren' }).click()
  await comment(page, text).waitFor()
}

/** What a person sees instead of the project. */
async function expectDenied(page: Page): Promise<void> {
  await page.goto(`/rfx/${project}`)
  await page.getByRole('heading', { name: 'Du har ikke tilgang til prosjektet' }).waitFor()
  expect(await page.getByText(title).count()).toBe(0)
}

/** As the input of a browser takes it: local time, to the minute. */
function inHours(hours: number): string {
  const at = new Date(Date.now() + hours * 3_600_000)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

describe('a draft', () => {
  it('begins with an empty list', async () => {
    const page = await arrive('silje')
    await page.getByRole('link', { name: 'Prosjekter' }).click()
    await page.getByRole('heading', { name: 'Ingen prosjekter ennå' }).waitFor()
    await look(page, 'projects-empty')
  })

  it('is created by somebody of a company', async () => {
    const page = pageOf('silje')
    await page.getByRole('button', { name: 'Nytt prosjekt' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Nytt prosjekt' }).click()
    await dialog.getByText('Skriv en tittel').waitFor()
    await look(page, 'create')
    await dialog.getByLabel('Tittel').fill(title)
    await dialog.getByLabel('Selskap').selectOption({ label: buyer })
    await dialog.getByRole('button', { name: 'Nytt prosjekt' }).click()
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    project = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    await page.getByText(`Bare de som er med i ${buyer}, kan lese dette.`).waitFor()
    await page.getByText('Inviter minst ett selskap under «Personer og nøkler».').waitFor()
    await page.getByRole('heading', { name: 'Ingen spesifikasjon ennå' }).waitFor()
    await look(page, 'draft-empty')
  })

  it('gets a specification', async () => {
    const page = pageOf('silje')
    await page.getByRole('button', { name: 'Skriv spesifikasjonen' }).click()
    await page.getByLabel('Overskrift').fill('Brygge')
    const field = (name: string) => page.getByRole('group', { name })
    await field('Felt 1').getByRole('textbox', { name: 'Felt' }).fill('Lengde i meter')
    await field('Lengde i meter').getByLabel('Type').selectOption({ label: 'Tall' })
    await field('Lengde i meter').getByLabel('Verdi').fill('tolv')
    await page.getByRole('button', { name: 'Legg til felt' }).click()
    await field('Felt 2').getByRole('textbox', { name: 'Felt' }).fill('Ferdig')
    await field('Ferdig').getByLabel('Type').selectOption({ label: 'Dato' })
    await field('Ferdig').getByLabel('Verdi').fill('2027-05-14')
    await page.getByRole('button', { name: 'Legg til felt' }).click()
    await field('Felt 3').getByRole('textbox', { name: 'Felt' }).fill('Badestige')
    await field('Badestige').getByLabel('Type').selectOption({ label: 'Krav eller ønske' })
    await field('Badestige').getByLabel('Verdi').selectOption({ label: 'Ønskelig' })
    await page.getByRole('button', { name: 'Flytt opp: Badestige' }).click()
    await page.getByRole('button', { name: 'Lagre' }).click()
    await page.getByText('Skriv et tall, for eksempel 12,5').waitFor()
    await look(page, 'specification-edit')
    await field('Lengde i meter').getByLabel('Verdi').fill('12,5')
    await page.getByRole('button', { name: 'Lagre' }).click()
    await page.getByText('Lagret av Silje Vik').waitFor()
    const terms = await page.locator('.spec-field').allInnerTexts()
    expect(terms.map((text) => text.split('\n').map((line) => line.trim()))).toEqual([
      ['Lengde i meter', '12,5'],
      ['Badestige', 'Ønskelig'],
      ['Ferdig', '14. mai 2027'],
    ])
    await look(page, 'specification')
  })

  it('gets a document, which comes back as it was', async () => {
    const page = pageOf('silje')
    await goTo(page, 'Dokumenter')
    await page.getByRole('heading', { name: 'Ingen dokumenter ennå' }).waitFor()
    const buffer = Buffer.from('Målsatt tegning av bryggen. '.repeat(9000))
    await page
      .getByLabel('Last opp filer')
      .setInputFiles({ name: 'Tegning av bryggen.txt', mimeType: 'text/plain', buffer })
    const row = page.getByRole('listitem').filter({ hasText: 'Tegning av bryggen.txt' })
    await row.getByRole('button', { name: 'Last ned Tegning av bryggen.txt' }).waitFor()
    const download = page.waitForEvent('download')
    await row.getByRole('button', { name: 'Last ned Tegning av bryggen.txt' }).click()
    expect(Buffer.compare(await readFile(await (await download).path()), buffer)).toBe(0)
    await page
      .getByLabel('Last opp filer')
      .setInputFiles({ name: 'Kladd.txt', mimeType: 'text/plain', buffer: Buffer.from('a') })
    await page.getByRole('button', { name: 'Fjern Kladd.txt' }).click()
    await page.getByRole('dialog').getByText('De som alt har lastet den ned, har den fortsatt.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Ja, fjern' }).click()
    await page.getByText('Kladd.txt', { exact: true }).waitFor({ state: 'detached' })
    await page
      .getByLabel('Erstatt Tegning av bryggen.txt')
      .setInputFiles({ name: 'Tegning 2.txt', mimeType: 'text/plain', buffer })
    await page.getByText('Utgave 2').waitFor()
    expect(await page.getByText('Tegning av bryggen.txt').count()).toBe(0)
    await look(page, 'documents')
  })

  it('takes an upload that was interrupted up again, and lets it be cancelled', async () => {
    const page = pageOf('silje')
    const buffer = Buffer.alloc(2_500_000, 'Befaring. ')
    const lastChunk = /\/nokkel\/blobs\/[^/]+\/chunks\/2$/
    await page.route(lastChunk, (route) => route.abort('connectionreset'))
    await page
      .getByLabel('Last opp filer')
      .setInputFiles({ name: 'Film fra befaringen.mp4', mimeType: 'video/mp4', buffer })
    await page.getByText('Ikke lastet opp').waitFor({ timeout: 60_000 })
    await page.getByText('Ingen kontakt med tjenesten.').waitFor()
    await look(page, 'upload-failed')
    await page.unroute(lastChunk)

    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await page.route(lastChunk, async (route) => {
      await held
      await route.continue()
    })
    await page.getByRole('button', { name: 'Prøv igjen' }).click()
    await page.getByText('Fortsetter der den slapp: 2,1 MB var lastet opp fra før.').waitFor()
    await look(page, 'upload-resumed')
    // It goes on while another part of the project is looked at.
    await goTo(page, 'Spesifikasjon')
    release()
    await goTo(page, 'Dokumenter')
    await page.getByRole('button', { name: 'Last ned Film fra befaringen.mp4' }).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Last ned Film fra befaringen.mp4' }).click()
    expect(Buffer.compare(await readFile(await (await download).path()), buffer)).toBe(0)
    await page.unroute(lastChunk)

    await page.route(lastChunk, () => undefined)
    await page.getByLabel('Last opp filer').setInputFiles({ name: 'Feil film.mp4', mimeType: 'video/mp4', buffer })
    await page.getByText(/^Laster opp: /).waitFor()
    await page.getByRole('button', { name: 'Avbryt opplastingen av Feil film.mp4' }).click()
    await page.getByText('Feil film.mp4').waitFor({ state: 'detached' })
    await page.unroute(lastChunk)
  })

  it('has invited companies, a deadline and who opens the bids', async () => {
    const page = pageOf('silje')
    await goTo(page, 'Personer og nøkler')
    for (const company of [plumbers, painters]) {
      await page.getByRole('button', { name: 'Inviter selskap' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('Selskapet ser prosjektet når det er godkjent, ikke før.').waitFor()
      await dialog.getByRole('radio', { name: company }).check()
      if (company === painters) await look(page, 'invite')
      await dialog.getByRole('button', { name: 'Inviter', exact: true }).click()
      await page.getByRole('button', { name: `Trekk invitasjonen til ${company}` }).waitFor()
    }
    await page.getByRole('button', { name: 'Utpek en person' }).click()
    await page.getByRole('dialog').getByLabel('Hvem?').selectOption({ label: 'Silje Vik' })
    await page.getByRole('dialog').getByRole('button', { name: 'Utpek', exact: true }).click()
    await page.getByRole('button', { name: 'Fjern Silje Vik som åpner' }).waitFor()
    await page.getByRole('button', { name: 'Frist for tilbud' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Tilbudene åpnes').fill(inHours(-2))
    await dialog.getByRole('button', { name: 'Lagre' }).click()
    await dialog.getByText('Velg et tidspunkt som ikke har vært').waitFor()
    await look(page, 'deadline')
    await dialog.getByLabel('Tilbudene åpnes').fill(inHours(48))
    await dialog.getByRole('button', { name: 'Lagre' }).click()
    await page.getByText('Utpek én til som kan åpne tilbudene').waitFor()
    await page.getByText(/Frist \d/).waitFor()
  })

  it('shows who has the key, and who waits for what', async () => {
    const page = pageOf('silje')
    const kari = page.getByRole('listitem').filter({ hasText: 'Kari Nordmann' })
    await kari.getByText('Ingen nøkkel ennå').waitFor()
    await kari.getByText('Kari Nordmann har ikke logget inn ennå.').waitFor()
    await page.getByText('1 av 2 kan lese prosjektet nå.').waitFor()
    await look(page, 'people-draft')
  })

  it('is not there for reviewers and suppliers', async () => {
    for (const name of ['marit', 'ingrid', 'bjorn', 'aile', 'ola'] as const) {
      const page = await arrive(name)
      await page.getByRole('link', { name: 'Prosjekter' }).click()
      await page.getByRole('heading', { name: 'Ingen prosjekter ennå' }).waitFor()
    }
    for (const name of ['marit', 'bjorn'] as const) await expectDenied(pageOf(name))
    await look(pageOf('bjorn'), 'denied')
  })
})

describe('two who write at once', () => {
  it('hand the key to a colleague who came later', async () => {
    // Nobody who has the key looks at the project.
    await pageOf('silje').goto('/keys')
    const page = await arrive('kari', { makesKeys: true })
    await page.goto(`/rfx/${project}`)
    await page.getByText('Du trenger ikke å gjøre noe.').waitFor()
    await look(page, 'waiting')
    await page.goto('/rfx')
    await page.getByText('Venter på nøkkel', { exact: true }).waitFor()
    await look(page, 'projects-waiting')
    await openProject(pageOf('silje'))
    await page.goto(`/rfx/${project}`)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor({ timeout: 40_000 })
    await page.getByText('Lagret av Silje Vik').waitFor()
  })

  it('see both, and decide', async () => {
    const [silje, kari] = [pageOf('silje'), pageOf('kari')]
    await goTo(silje, 'Spesifikasjon')
    await silje.getByRole('button', { name: 'Rediger' }).click()
    await kari.getByRole('button', { name: 'Rediger' }).click()
    await silje.getByRole('group', { name: 'Lengde i meter' }).getByLabel('Verdi').fill('14')
    await silje.getByRole('button', { name: 'Lagre' }).click()
    await silje.getByText('Lagret av Silje Vik').waitFor()
    await kari.getByRole('group', { name: 'Lengde i meter' }).getByLabel('Verdi').fill('16')
    await kari.getByRole('button', { name: 'Lagre' }).click()
    const dialog = kari.getByRole('dialog')
    await dialog.getByRole('heading', { name: 'Silje Vik lagret mens du skrev' }).waitFor()
    await dialog.getByText('Lengde i meter: 14').waitFor()
    await dialog.getByText('Lengde i meter: 16').waitFor()
    await look(kari, 'conflict')
    await dialog.getByRole('button', { name: 'Lagre min' }).click()
    await kari.getByText('Lagret av Kari Nordmann').waitFor()
    await lookAgain(silje)
    await silje.getByText('Lagret av Kari Nordmann').waitFor()
    await silje.getByText('16', { exact: true }).waitFor()
  })
})

describe('a review', () => {
  it('is prepared with a key of the company, so that opening bids does not depend on one person', async () => {
    const page = pageOf('silje')
    await visitors.silje.context.unroute(/\/private-key-worker-[^/]*\.js$/)
    await page.goto('/companies')
    await page.getByRole('link', { name: new RegExp(buyer) }).click()
    await page.getByRole('button', { name: 'Lag nøkkel' }).click()
    await page.getByRole('heading', { name: 'Selskapets nøkkel' }).waitFor({ timeout: 60_000 })
    await openProject(page)
    await goTo(page, 'Personer og nøkler')
    await page.getByText('Selskapets nøkkel: nye kollegaer kan lese med en gang.').waitFor({ timeout: 40_000 })
  })

  it('begins when the buyer sends the project, and says who gets the key', async () => {
    const page = pageOf('silje')
    await page.getByRole('button', { name: 'Send til gjennomgang' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Disse får nøkkelen og kan lese alt: Ingrid Solberg, Marit Strand.').waitFor()
    await look(page, 'review')
    await dialog.getByRole('button', { name: 'Send til gjennomgang' }).click()
    await dialog.getByRole('heading', { name: 'Prosjektet er sendt til gjennomgang' }).waitFor()
    await dialog.getByText('2 mottakere har fått nøkkelen.').waitFor()
    await look(page, 'review-done')
    await dialog.getByRole('button', { name: 'Lukk' }).click()
    await page.locator('[aria-current="step"]', { hasText: 'Til gjennomgang' }).waitFor()
  })

  it('is read by every reviewer and by no supplier', async () => {
    for (const name of ['marit', 'ingrid'] as const) {
      const page = pageOf(name)
      await page.goto('/rfx')
      await page.getByText('Klart for deg: les, kommenter og godkjenn').waitFor()
      await openProject(page)
      await page.getByText('Lagret av Kari Nordmann').waitFor()
      await goTo(page, 'Dokumenter')
      await page.getByText('Tegning 2.txt').waitFor()
    }
    for (const name of ['bjorn', 'aile', 'ola'] as const) await expectDenied(pageOf(name))
  })

  it('is talked about', async () => {
    const page = pageOf('ingrid')
    await goTo(page, 'Kommentarer')
    await page.getByLabel('Gjelder').selectOption({ label: 'Brygge' })
    await write(page, 'Skal bryggen tåle is? Det bør stå her.')
    await comment(page, 'Skal bryggen tåle is?').getByText('Gjelder: Brygge').waitFor()
    await openProject(pageOf('silje'))
    await goTo(pageOf('silje'), 'Kommentarer')
    await comment(pageOf('silje'), 'Skal bryggen tåle is?').waitFor()
    await look(pageOf('silje'), 'comments')
  })

  it('ends with the approval of a reviewer, whose client hands the key to the suppliers', async () => {
    const page = pageOf('marit')
    await openProject(page)
    // What nobody has read is not approved.
    await goTo(page, 'Kommentarer')
    await comment(page, 'Skal bryggen tåle is?').waitFor()
    await page.getByRole('button', { name: 'Godkjenn' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(`Alle som er med i disse selskapene, får nøkkelen og kan lese alt:`).waitFor()
    await dialog.getByText(painters).waitFor()
    await look(page, 'approve')
    await dialog.getByRole('button', { name: 'Godkjenn' }).click()
    await dialog.getByRole('heading', { name: 'Prosjektet er godkjent' }).waitFor()
    await dialog.getByText('3 mottakere har fått nøkkelen.').waitFor()
    await dialog.getByText('Folkene der får nøkkelen hver for seg.').waitFor()
    await look(page, 'approve-done')
    await dialog.getByRole('button', { name: 'Lukk' }).click()
    await page.getByText(`Bare ${buyer}, kvalitetssikrerne og 2 inviterte selskaper kan lese dette.`).waitFor()
  })
})

describe('suppliers', () => {
  it('read the project, and neither see each other nor who has the key', async () => {
    for (const name of ['bjorn', 'aile', 'ola'] as const) {
      const page = pageOf(name)
      await page.goto('/rfx')
      await page.getByText(/^Lever tilbud før /).waitFor()
      await openProject(page)
      await page.getByText('Lagret av Kari Nordmann').waitFor()
      await goTo(page, 'Dokumenter')
      await page.getByText('Tegning 2.txt').waitFor()
      expect(await part(page, 'Personer og nøkler').count()).toBe(0)
      const own = name === 'ola' ? painters : plumbers
      const other = name === 'ola' ? plumbers : painters
      await goTo(page, 'Tilbud')
      await page.getByRole('heading', { name: `Tilbud fra ${own}` }).waitFor()
      expect(await page.getByText(other).count()).toBe(0)
    }
    await look(pageOf('bjorn'), 'bid-none')
    await pageOf('bjorn').goto('/rfx')
    await pageOf('bjorn').getByText(title).waitFor()
    await look(pageOf('bjorn'), 'projects-supplier')
  })

  it('ask without being named to each other', async () => {
    const bjorn = pageOf('bjorn')
    await openProject(bjorn)
    await goTo(bjorn, 'Kommentarer')
    await write(bjorn, 'Er det vann i båthuset i dag?')
    const ola = pageOf('ola')
    await goTo(ola, 'Kommentarer')
    await comment(ola, 'Er det vann i båthuset i dag?').getByText('En annen leverandør').waitFor()
    expect(await ola.getByText('Bjørn').count()).toBe(0)
  })

  it('submit sealed bids', async () => {
    for (const [name, amount, text] of [
      ['bjorn', '1 250 000,50', offer],
      ['ola', '98000', otherOffer],
    ] as const) {
      const page = pageOf(name)
      await goTo(page, 'Tilbud')
      await page.getByRole('button', { name: 'Skriv tilbud' }).click()
      await page.getByLabel('Beløp i kroner').fill('mye')
      await page.getByRole('button', { name: 'Lever tilbudet' }).click()
      await page.getByText('Skriv et beløp med høyst to desimaler').waitFor()
      await page.getByLabel('Beløp i kroner').fill(amount)
      await page.getByLabel('Tilbudstekst').fill(text)
      await page
        .getByLabel('Velg filer')
        .setInputFiles({ name: `Tilbud ${name}.txt`, mimeType: 'text/plain', buffer: Buffer.from(text) })
      if (name === 'bjorn') await look(page, 'bid-write')
      await page.getByRole('button', { name: 'Lever tilbudet' }).click()
      await page.getByText('Levert', { exact: true }).waitFor()
    }
    await look(pageOf('ola'), 'bid-submitted')
  })

  it('read, change and withdraw their own', async () => {
    const page = pageOf('ola')
    await page.getByRole('button', { name: 'Les tilbudet' }).click()
    await page.getByText(otherOffer).waitFor()
    await page.getByText(/98\s000,00\skr/).waitFor()
    await page.getByRole('button', { name: 'Trekk tilbudet' }).click()
    await page.getByRole('dialog').getByText('Tilbudet slettes.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Ja, trekk tilbudet' }).click()
    await page.getByText('Trukket', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Skriv tilbud' }).click()
    await page.getByLabel('Beløp i kroner').fill('97000')
    await page.getByRole('button', { name: 'Lever tilbudet' }).click()
    await page.getByText('Levert', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Endre tilbudet' }).click()
    expect(await page.getByLabel('Beløp i kroner').inputValue()).toBe('97000')
    await page.getByLabel('Tilbudstekst').fill(otherOffer)
    await page.getByRole('button', { name: 'Lever på nytt' }).click()
    await page.getByText('Levert', { exact: true }).waitFor()
  })

  it('are sealed for the buyer, opener or not, before the deadline', async () => {
    const page = pageOf('silje')
    await openProject(page)
    await goTo(page, 'Tilbud')
    await page.getByRole('heading', { name: /^Forseglet til / }).waitFor()
    await page.getByText('Før fristen kan heller ikke du se dem').waitFor()
    expect(await page.getByRole('button', { name: /^Åpne tilbudet/ }).count()).toBe(0)
    expect(await page.getByText(/Lukk prosjektet/).count()).toBe(0)
    await look(page, 'bids-sealed')
    await goTo(pageOf('marit'), 'Tilbud')
    await pageOf('marit').getByText('Bare disse kan åpne tilbudene når fristen er ute: Silje Vik.').waitFor()
  })
})

describe('somebody who leaves', () => {
  it('loses access at once, and the others go on with a new key', async () => {
    // Nobody who could make the new key looks at the project before it is asked for.
    for (const name of ['silje', 'marit', 'ingrid', 'kari'] as const) {
      await pageOf(name).goto('/keys')
      await pageOf(name).getByRole('heading', { name: 'Nøkkelen din' }).waitFor()
    }
    const aile = pageOf('aile')
    await openProject(aile)
    const bjorn = pageOf('bjorn')
    await bjorn.goto('/companies')
    await bjorn.getByRole('link', { name: new RegExp(plumbers) }).click()
    await bjorn.getByRole('button', { name: 'Fjern Áile Gaup' }).click()
    await bjorn.getByRole('dialog').getByRole('button', { name: 'Ja, fjern' }).click()
    await bjorn.getByRole('button', { name: 'Fjern Áile Gaup' }).waitFor({ state: 'detached' })

    await lookAgain(aile)
    await aile.getByRole('heading', { name: 'Du har ikke tilgang til prosjektet' }).waitFor()
    expect(await aile.getByText(title).count()).toBe(0)

    await openProject(bjorn)
    await bjorn.getByRole('heading', { name: 'Prosjektet skal få en ny nøkkel' }).waitFor()
    await look(bjorn, 'rekey-pending')

    const silje = pageOf('silje')
    await openProject(silje)
    await goTo(silje, 'Personer og nøkler')
    await silje.getByText('Nøkkelversjon 2').waitFor({ timeout: 40_000 })
    expect(await silje.getByText('Áile Gaup').count()).toBe(0)

    await lookAgain(bjorn)
    await bjorn.getByRole('heading', { name: 'Prosjektet skal få en ny nøkkel' }).waitFor({ state: 'detached' })
    await goTo(bjorn, 'Kommentarer')
    await write(bjorn, 'Vi fortsetter uten Áile.')
    await goTo(silje, 'Kommentarer')
    await silje.getByText('Vi fortsetter uten Áile.').waitFor()
    await goTo(silje, 'Dokumenter')
    await silje
      .getByLabel('Last opp filer')
      .setInputFiles({ name: 'Etter skiftet.txt', mimeType: 'text/plain', buffer: Buffer.from('ny nøkkel') })
    await silje.getByRole('button', { name: 'Last ned Etter skiftet.txt' }).waitFor()
  })

  it('does not bring a key to somebody whose own was exchanged, before a person has compared', async () => {
    const [silje, ingrid] = [pageOf('silje'), pageOf('ingrid')]
    // Only the device that handed Ingrid the key knows her old one: no other makes the next.
    for (const name of ['marit', 'kari'] as const) await pageOf(name).goto('/keys')
    await visitors.ingrid.context.unroute(/\/private-key-worker-[^/]*\.js$/)
    await ingrid.goto('/keys')
    await ingrid.getByRole('button', { name: 'Lag ny nøkkel' }).click()
    await ingrid.getByRole('dialog').getByRole('button', { name: 'Lag ny nøkkel' }).click()
    await ingrid.getByRole('dialog').getByText('Den nye nøkkelen er i bruk').waitFor({ timeout: 60_000 })
    await ingrid.getByRole('dialog').getByRole('button', { name: 'Lukk' }).click()
    const fingerprint = await ingrid.locator('.fingerprint').first().innerText()

    await goTo(silje, 'Personer og nøkler')
    await silje.getByRole('button', { name: 'Steng ute Kari Nordmann' }).click()
    await silje.getByRole('dialog').getByRole('button', { name: 'Ja, steng ute' }).click()
    await silje.getByRole('heading', { name: '1 har fått en ny nøkkel' }).waitFor()
    expect(await silje.locator('.notice .fingerprint').innerText()).toBe(fingerprint)
    await look(silje, 'key-changed')
    await silje.getByRole('button', { name: 'Fingeravtrykket til Ingrid Solberg stemmer' }).click()
    await silje.getByRole('heading', { name: '1 har fått en ny nøkkel' }).waitFor({ state: 'detached' })
    await silje.getByText('Nøkkelversjon 3').waitFor()
    await openProject(ingrid)
    await silje.getByRole('button', { name: 'Slipp inn igjen Kari Nordmann' }).click()
    await silje.getByRole('dialog').getByRole('button', { name: 'Slipp inn igjen' }).click()
    await silje.getByRole('dialog').getByRole('button', { name: 'Lukk' }).click()
    for (const name of ['marit', 'kari'] as const) await openProject(pageOf(name))
  })

  it('may be kept out of one project, and let in again', async () => {
    const [silje, kari] = [pageOf('silje'), pageOf('kari')]
    await goTo(silje, 'Personer og nøkler')
    await look(silje, 'people')
    await silje.getByRole('button', { name: 'Steng ute Kari Nordmann' }).click()
    const dialog = silje.getByRole('dialog')
    await dialog.getByText('Kari Nordmann mister tilgangen til prosjektet med en gang.').waitFor()
    await look(silje, 'exclude')
    await dialog.getByRole('button', { name: 'Ja, steng ute' }).click()
    await dialog.waitFor({ state: 'detached' })
    await silje.getByRole('button', { name: 'Slipp inn igjen Kari Nordmann' }).waitFor()
    await silje.getByText('Nøkkelversjon 4').waitFor()
    await lookAgain(kari)
    await kari.getByRole('heading', { name: 'Du har ikke tilgang til prosjektet' }).waitFor()
    await look(silje, 'people-excluded')
    await silje.getByRole('button', { name: 'Slipp inn igjen Kari Nordmann' }).click()
    await dialog.getByRole('button', { name: 'Slipp inn igjen' }).click()
    await dialog.getByRole('heading', { name: 'Kari Nordmann er sluppet inn igjen' }).waitFor()
    await dialog.getByRole('button', { name: 'Lukk' }).click()
    await openProject(kari)
  })
})

describe('the check', () => {
  it('finds that all is well', async () => {
    const page = pageOf('silje')
    await goTo(page, 'Kontroll')
    await page.getByRole('button', { name: 'Kjør kontrollen' }).click()
    await page.getByRole('heading', { name: 'Alt stemmer' }).waitFor()
    await look(page, 'check-well')
  })

  it('says in words what is wrong, and whom it concerns reads nothing', async () => {
    const [silje, kari] = [pageOf('silje'), pageOf('kari')]
    const exchangeHash = async (hash: Buffer) => {
      const { rows } = await sql<{ signed_hash: Buffer }>`
        with before as (
          select m.rfx_id, m.user_id, m.signed_hash from public.rfx_key_members m
          join public.app_user u on u.auth_user_id = m.user_id
          where m.rfx_id = ${project}::uuid and u.name = 'Kari Nordmann'
        )
        update public.rfx_key_members m set signed_hash = ${hash} from before b
        where m.rfx_id = b.rfx_id and m.user_id = b.user_id returning b.signed_hash`.execute(database.owner)
      return rows[0]?.signed_hash ?? Buffer.alloc(0)
    }
    const signed = await exchangeHash(Buffer.alloc(32, 7))
    await silje.getByRole('button', { name: 'Kjør på nytt' }).click()
    await silje.getByRole('heading', { name: /stemmer ikke$/ }).waitFor()
    await silje.getByText('Nøkkelen er låst for Kari Nordmann uten at noen har signert det.').waitFor()
    await silje.getByText('Dette er alvorlig.').waitFor()
    await look(silje, 'check-faults')
    await kari.goto(`/rfx/${project}`)
    await kari.getByRole('heading', { name: 'Stopp: noe stemmer ikke' }).waitFor()
    await kari.getByText('Ikke skriv, last opp eller lever noe i prosjektet før det er avklart.').waitFor()
    expect(await kari.getByText(title).count()).toBe(0)
    await look(kari, 'stop')

    await exchangeHash(signed)
    await silje.getByRole('button', { name: 'Kjør på nytt' }).click()
    await silje.getByRole('heading', { name: 'Alt stemmer' }).waitFor()
    await openProject(kari)
  })
})

describe('the deadline', () => {
  it('lets the opener open every bid, and nobody else', async () => {
    await passDeadline(database, project)
    const page = pageOf('silje')
    await openProject(page)
    await goTo(page, 'Tilbud')
    await page.getByRole('button', { name: `Åpne tilbudet fra ${painters}` }).waitFor()
    await look(page, 'bids-to-open')
    await page.getByRole('button', { name: `Åpne tilbudet fra ${plumbers}` }).click()
    await page.getByText(offer).waitFor()
    await page.getByText(/1\s250\s000,50\skr/).waitFor()
    await page.getByRole('button', { name: `Åpne tilbudet fra ${painters}` }).click()
    await page.getByText(otherOffer).waitFor()
    await page.getByText(/97\s000,00\skr/).waitFor()
    await look(page, 'bids-opened')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Last ned Tilbud bjorn.txt' }).click()
    expect(await readFile(await (await download).path(), 'utf8')).toBe(offer)

    await openProject(pageOf('marit'))
    await goTo(pageOf('marit'), 'Tilbud')
    await pageOf('marit').getByRole('heading', { name: 'Du ser ingen tilbud her' }).waitFor()
    for (const [name, own, other] of [
      ['bjorn', offer, otherOffer],
      ['ola', otherOffer, offer],
    ] as const) {
      const supplier = pageOf(name)
      await openProject(supplier)
      await goTo(supplier, 'Tilbud')
      await supplier.getByRole('button', { name: 'Les tilbudet' }).click()
      await supplier.getByText(own).waitFor()
      expect(await supplier.getByText(other).count()).toBe(0)
      expect(await supplier.getByRole('button', { name: 'Endre tilbudet' }).count()).toBe(0)
    }
  })

  it('is followed by the end, after which everything is still read', async () => {
    const page = pageOf('silje')
    await page.getByRole('button', { name: 'Lukk prosjektet' }).click()
    await look(page, 'close')
    await page.getByRole('dialog').getByRole('button', { name: 'Ja, lukk prosjektet' }).click()
    await page.locator('[aria-current="step"]', { hasText: 'Lukket' }).waitFor()
    await goTo(page, 'Kommentarer')
    await page.getByText('Vi fortsetter uten Áile.').waitFor()
    expect(await page.getByLabel('Ny kommentar').count()).toBe(0)
    await page.goto('/rfx')
    await page.getByText('Avsluttet. Alt kan fortsatt leses.').waitFor()
  })
})

describe('reviewers', () => {
  it('are named and dismissed by administrators', async () => {
    const page = pageOf('marit')
    await page.goto('/rfx')
    await page.getByRole('link', { name: 'Hvem som kvalitetssikrer' }).click()
    await page.getByText('Ingrid Solberg').waitFor()
    await page.getByRole('button', { name: 'Utpek kvalitetssikrer' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Søk etter medlem').fill('Kari')
    await dialog.getByRole('radio', { name: 'Kari Nordmann' }).check()
    await look(page, 'reviewer-name')
    await dialog.getByRole('button', { name: 'Utpek', exact: true }).click()
    await page.getByRole('button', { name: 'Fjern Kari Nordmann' }).click()
    await dialog.getByText('Kari Nordmann mister tilgangen til prosjektene med en gang.').waitFor()
    await dialog.getByRole('button', { name: 'Ja, fjern' }).click()
    await page.getByRole('button', { name: 'Fjern Kari Nordmann' }).waitFor({ state: 'detached' })
    await look(page, 'reviewers')
  })
})

describe('the whole story', () => {
  it('is told in English, too', async () => {
    const page = pageOf('silje')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Projects', level: 1 }).waitFor()
    await look(page, 'projects-en')
    await openProject(page)
    for (const [name, text] of [
      ['Specification', 'Saved by Kari Nordmann'],
      ['Documents', 'Tegning 2.txt'],
      ['Comments', 'About: Brygge'],
      ['Bids', `Open the bid`],
      ['People and keys', 'Who opens the bids'],
      ['Check', 'Run the check'],
    ] as const) {
      await page.locator('.subpage', { hasText: name }).click()
      await page.getByText(text).first().waitFor()
      await look(page, `${name.toLowerCase().replaceAll(' ', '-')}-en`)
    }
  })

  it('leaves nothing key-like in any storage', async () => {
    for (const { page } of Object.values(visitors)) expect(await page.evaluate(findStoredKeys)).toEqual([])
  })

  it('passes without a complaint of a browser, but for what was refused', () => {
    const complaints = Object.values(visitors).flatMap((visitor) => visitor.complaints)
    expect(complaints.filter((line) => !/40[349] \(|ERR_CONNECTION_RESET/.test(line))).toEqual([])
  })
})

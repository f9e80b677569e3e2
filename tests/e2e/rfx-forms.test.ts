import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { type Application, startApplication } from './testing/application.ts'
import { clientOf } from './testing/client-of.ts'
import { look } from './testing/look.ts'
import { logIn, readyLine } from './testing/steps.ts'
import { launchBrowser, newVisitor } from './testing/visitor.ts'

const organization = 'Fjordhjelpen'
const buyer = 'Fjordhjelpen Innkjøp'
const plumbers = 'Åsgårdstrand Rør'
const painters = 'Fjell Malermester'
const title = 'Nytt tak på naustet'

let database: TestDatabase
let application: Application
let browser: Browser
let page: Page
let project = ''

beforeAll(async () => {
  database = await createTestDatabase('postgres')
  await sql.raw(await readFile(new URL('../../supabase/seed.sql', import.meta.url), 'utf8')).execute(database.owner)
  ;[application, browser] = await Promise.all([startApplication({ database: database.server }), launchBrowser()])
  page = await arrive('fjordhjelpen-koordinator')
})

afterAll(async () => {
  await browser?.close()
  await application?.close()
  await database?.close()
})

/** Lets somebody in, and waits until they have a key of their own. */
async function arrive(person: string): Promise<Page> {
  const visitor = await newVisitor(browser, application.url)
  await logIn(visitor.page, { provider: 'BankID', organization, person })
  await readyLine(visitor.page).waitFor()
  await visitor.page.getByRole('link', { name: 'Mine nøkler' }).click()
  await visitor.page.getByRole('heading', { name: 'Nøkkelen din' }).waitFor({ timeout: 60_000 })
  return visitor.page
}

const part = (name: string) => page.getByRole('navigation', { name: 'Deler av prosjektet' }).getByRole('link', { name })

async function goTo(name: string): Promise<void> {
  await part(name).click()
  await page.locator('.subpage[aria-current="page"]', { hasText: name }).waitFor()
}

/** Sends the form of a field as often as somebody with an impatient finger, before anything is drawn anew. */
async function sendThrice(field: ReturnType<Page['getByLabel']>): Promise<void> {
  await field.evaluate((input: HTMLInputElement) => {
    for (const _ of [1, 2, 3]) input.form?.requestSubmit()
  })
}

/** A specification as long as somebody might have one, saved past the form. */
async function saveSpecification(sections: number, fields: number): Promise<void> {
  await (await clientOf(page)).evaluate(
    async ({ rfx }, { id, sections, fields }) => {
      const present = await rfx.get(id).specification()
      const many = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
      await rfx.get(id).saveSpecification(
        {
          sections: many(sections).map((section) => ({
            id: crypto.randomUUID(),
            heading: `Del ${section}`,
            fields: many(fields).map((field) => ({
              id: crypto.randomUUID(),
              label: `Post ${section}.${field}`,
              type: 'text' as const,
              value: '',
            })),
          })),
        },
        present?.revision ?? 0,
      )
    },
    { id: project, sections, fields },
  )
}

const leaving = () => page.getByRole('alertdialog', { name: 'Gå videre uten å lagre?' })

describe('a form that is sent several times at once', () => {
  it('makes one project', async () => {
    await page.getByRole('link', { name: 'Prosjekter' }).click()
    await page.getByRole('button', { name: 'Nytt prosjekt' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Tittel').fill(title)
    await dialog.getByLabel('Selskap').selectOption({ label: buyer })
    await sendThrice(dialog.getByLabel('Tittel'))
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
    project = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    await page.getByRole('link', { name: 'Tilbake til prosjektene' }).click()
    await page.getByRole('list', { name: 'Prosjekter du er med i' }).waitFor()
    expect(await page.getByRole('link', { name: title }).count()).toBe(1)
    await page.getByRole('link', { name: title }).click()
  })

  it('writes one comment', async () => {
    await goTo('Kommentarer')
    await page.getByLabel('Ny kommentar').fill('Skal taket være av torv?')
    await sendThrice(page.getByLabel('Ny kommentar'))
    await page.getByText('Kommentaren er sendt.').waitFor({ state: 'attached' })
    await page.getByRole('listitem').filter({ hasText: 'av torv' }).first().waitFor()
    await page.reload()
    await page.getByRole('listitem').filter({ hasText: 'av torv' }).first().waitFor()
    expect(await page.getByRole('listitem').filter({ hasText: 'av torv' }).count()).toBe(1)
  })

  it('saves one specification', async () => {
    await goTo('Spesifikasjon')
    await page.getByRole('button', { name: 'Skriv spesifikasjonen' }).click()
    await page.getByLabel('Overskrift').fill('Tak')
    await sendThrice(page.getByLabel('Overskrift'))
    await page.getByText('Lagret av Silje Vik').waitFor()
    const saved = await (await clientOf(page)).evaluate(async ({ rfx }, id) => rfx.get(id).specification(), project)
    expect(saved?.revision).toBe(1)
  })
})

describe('what is not saved', () => {
  it('keeps a comment that is begun, while another part is looked at', async () => {
    await goTo('Kommentarer')
    await page.getByLabel('Ny kommentar').fill('Halvveis skrevet')
    await goTo('Dokumenter')
    await goTo('Kommentarer')
    expect(await page.getByLabel('Ny kommentar').inputValue()).toBe('Halvveis skrevet')
  })

  it('asks before somebody leaves a project with a comment that is begun', async () => {
    await page.getByRole('link', { name: 'Tilbake til prosjektene' }).click()
    await leaving().waitFor()
    await look(page, 'unsaved')
    await leaving().getByRole('button', { name: 'Bli her' }).click()
    await leaving().waitFor({ state: 'hidden' })
    expect(await page.getByLabel('Ny kommentar').inputValue()).toBe('Halvveis skrevet')
  })

  it('asks before the page is closed or loaded anew', async () => {
    const asked = page.waitForEvent('dialog')
    await page.evaluate(() => setTimeout(() => location.reload()))
    const dialog = await asked
    expect(dialog.type()).toBe('beforeunload')
    await dialog.dismiss()
    expect(await page.getByLabel('Ny kommentar').inputValue()).toBe('Halvveis skrevet')
    await page.getByLabel('Ny kommentar').fill('')
  })

  it('asks before a specification is left for another part, and lets go', async () => {
    await goTo('Spesifikasjon')
    await page.getByRole('button', { name: 'Rediger' }).click()
    // Nothing is written yet.
    await goTo('Dokumenter')
    await goTo('Spesifikasjon')
    await page.getByRole('button', { name: 'Rediger' }).click()
    await page.getByLabel('Overskrift').fill('Torvtak')
    await part('Dokumenter').click()
    await leaving().getByRole('button', { name: 'Gå videre' }).click()
    await page.getByRole('heading', { name: 'Ingen dokumenter ennå' }).waitFor()
    await goTo('Spesifikasjon')
    await page.getByRole('heading', { name: 'Tak', level: 3, exact: true }).waitFor()
  })

  it('asks for nothing once it is saved', async () => {
    await page.getByRole('button', { name: 'Rediger' }).click()
    await page.getByLabel('Overskrift').fill('Torvtak')
    await page.getByRole('button', { name: 'Lagre' }).click()
    await page.getByRole('heading', { name: 'Torvtak', level: 3 }).waitFor()
    await goTo('Dokumenter')
  })
})

describe('a long specification', () => {
  it('has the sections folded that are too many to write in at once', async () => {
    await saveSpecification(200, 8)
    await page.reload()
    await goTo('Spesifikasjon')
    await page.getByRole('button', { name: 'Rediger' }).click()
    await page.getByLabel('Overskrift').waitFor()
    expect(await page.getByLabel('Overskrift').count()).toBe(1)
    await page.getByRole('button', { name: 'Del 200 8 felt' }).click()
    await page.getByRole('group', { name: 'Post 200.8', exact: true }).getByLabel('Verdi').fill('siste')
    await page.getByRole('button', { name: 'Lagre' }).click()
    await page.locator('.spec-field', { hasText: 'Post 200.8' }).getByText('siste').waitFor()
  })

  it('is written in as it is typed, at the most the format takes and in its longest section', async () => {
    // About 4 800 fields are all that its 524 288 bytes hold.
    await saveSpecification(23, 200)
    await page.reload()
    await page.getByRole('heading', { name: 'Del 1', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Rediger' }).click()
    await page.getByRole('group', { name: 'Post 1.200', exact: true }).getByLabel('Verdi').pressSequentially('takstein')
    expect(await page.getByRole('group', { name: /^Post / }).count()).toBe(200)
    expect(await page.getByRole('button', { expanded: false, name: /200 felt$/ }).count()).toBe(22)
    await page.getByRole('button', { name: 'Avbryt' }).click()
  })

  it('fits a narrow screen whatever is written', async () => {
    const word = 'takstein'.repeat(50)
    await (await clientOf(page)).evaluate(
      async ({ rfx }, { id, word }) => {
        const present = await rfx.get(id).specification()
        const field = { id: crypto.randomUUID(), label: word, type: 'text' as const, value: word }
        const sections = [{ id: crypto.randomUUID(), heading: word, fields: [field] }]
        await rfx.get(id).saveSpecification({ sections }, present?.revision ?? 0)
      },
      { id: project, word },
    )
    await page.reload()
    await page.getByRole('heading', { name: word }).waitFor()
    await look(page, 'specification-long-words')
    await page.getByRole('button', { name: 'Rediger' }).click()
    await look(page, 'specification-long-words-edit')
    await page.getByRole('button', { name: 'Avbryt' }).click()
  })
})

describe('who is new', () => {
  it('is told in the header until it was seen, and after that no more', async () => {
    await arrive('likeperson-medlem-1')
    await page.getByText('har fått nøkkelen siden sist').waitFor({ timeout: 60_000 })
    await look(page, 'new-since')
    await page.reload()
    await page.getByText('har fått nøkkelen siden sist').waitFor()
    await page.getByRole('link', { name: 'Se hvem' }).click()
    await page.getByText('Disse har ikke fått en nøkkel fra denne enheten før').waitFor()
    await page.locator('.changed').getByText('Kari Nordmann').waitFor()
    await look(page, 'new-recipients')
    await page.getByRole('button', { name: 'Jeg har sett det' }).click()
    await page.getByText('har fått nøkkelen siden sist').waitFor({ state: 'hidden' })
    await page.reload()
    await page.getByRole('heading', { name: 'Leverandører' }).waitFor()
    expect(await page.getByText('har fått nøkkelen siden sist').count()).toBe(0)
  })
})

describe('what cannot be read', () => {
  /** As if its author had sealed it for nobody: signed, but with a content key that does not open. */
  async function damage(kind: string): Promise<void> {
    await sql`update public.rfx_entry set wrapped_key = set_byte(wrapped_key, 79, get_byte(wrapped_key, 79) # 1)
      where rfx_id = ${project}::uuid and kind = ${kind}`.execute(database.owner)
  }

  it('is said of a document, which can be removed, and of nothing else', async () => {
    await goTo('Dokumenter')
    const files = ['Tegning.txt', 'Bilde.txt'].map((name) => ({
      name,
      mimeType: 'text/plain',
      buffer: Buffer.from(name),
    }))
    await page.getByLabel('Last opp filer').setInputFiles(files)
    for (const { name } of files) await page.getByRole('button', { name: `Last ned ${name}` }).waitFor()
    await damage('document')
    await page.reload()
    const row = page.getByRole('listitem').filter({ hasText: 'Dokument som ikke kan åpnes' })
    await row.filter({ hasText: 'Silje Vik' }).first().waitFor()
    expect(await row.count()).toBe(2)
    expect(await page.getByRole('button', { name: 'Last ned' }).count()).toBe(0)
    await look(page, 'document-unreadable')
    await row.first().getByRole('button', { name: 'Fjern Dokument som ikke kan åpnes' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Ja, fjern' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await row.count()).toBe(1)
    await row.getByLabel('Erstatt Dokument som ikke kan åpnes').setInputFiles({
      name: 'Ny tegning.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('ny'),
    })
    await page.getByRole('button', { name: 'Last ned Ny tegning.txt' }).waitFor()
    expect(await row.count()).toBe(0)
  })

  it('is said of the specification, which can be written anew', async () => {
    await damage('specification')
    await page.reload()
    await goTo('Spesifikasjon')
    await page.getByRole('heading', { name: 'Spesifikasjonen kan ikke leses' }).waitFor()
    await page.getByText('Lagret av Silje Vik').waitFor()
    await look(page, 'specification-unreadable')
    await page.getByRole('button', { name: 'Skriv en ny' }).click()
    await page.getByLabel('Overskrift').fill('Taktekking')
    await page.getByRole('button', { name: 'Lagre' }).click()
    await page.getByRole('heading', { name: 'Taktekking', level: 3 }).waitFor()
  })

  it('is said of the title, which can be changed', async () => {
    await damage('title')
    await page.reload()
    await page.getByRole('heading', { name: '(tittelen kan ikke leses)', level: 1 }).waitFor()
    await look(page, 'title-unreadable')
    await page.getByRole('button', { name: 'Endre tittel' }).click()
    await page.getByRole('dialog').getByLabel('Tittel').fill(title)
    await page.getByRole('dialog').getByRole('button', { name: 'Lagre' }).click()
    await page.getByRole('heading', { name: title, level: 1 }).waitFor()
  })
})

describe('a deadline', () => {
  let supplier: Page

  it('is set, and the approval names those who get the key later', async () => {
    await (await clientOf(page)).evaluate(
      async ({ rfx, companies, now }, { id, invited }) => {
        const { items } = await companies.list({ limit: 50 })
        for (const { id: companyId } of items.filter(({ name }) => invited.includes(name))) {
          await rfx.get(id).invite(companyId)
        }
        const people = await rfx.get(id).recipients()
        for (const { ownerId } of people.filter(({ name }) => ['Silje Vik', 'Kari Nordmann'].includes(name))) {
          await rfx.get(id).nameOpener(ownerId)
        }
        await rfx.get(id).setDeadline(new Date(now().getTime() + 2 * 3_600_000))
        await rfx.get(id).sendForReview()
      },
      { id: project, invited: [plumbers, painters] },
    )
    const reviewer = await arrive('administrator')
    await reviewer.goto(`/rfx/${project}`)
    await reviewer.getByRole('button', { name: 'Godkjenn' }).click({ timeout: 60_000 })
    const dialog = reviewer.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Godkjenn' }).click()
    await dialog.getByRole('heading', { name: 'Prosjektet er godkjent' }).waitFor()
    await dialog.getByRole('heading', { name: '4 personer får nøkkelen senere' }).waitFor()
    await dialog.getByText(`${painters}: Ola `).waitFor()
    expect(await dialog.getByText('En person').count()).toBe(0)
    await look(reviewer, 'approved-later')
  })

  it('that passes while a bid is written is said, and the bid cannot be sent', async () => {
    supplier = await arrive('likeperson-medlem-2')
    await supplier.goto(`/rfx/${project}/bids`)
    await supplier.getByRole('button', { name: 'Skriv tilbud' }).click({ timeout: 60_000 })
    await supplier.getByLabel('Tilbudstekst').fill('Torv og never')
    await supplier.getByLabel('Velg filer').setInputFiles({
      name: 'tilbud\u202efdp.exe',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from('ikke en pdf'),
    })
    await supplier.getByText('tilbud\ufffdfdp.exe', { exact: true }).waitFor()
    const send = supplier.getByRole('button', { name: 'Lever tilbudet' })
    expect(await send.isEnabled()).toBe(true)
    // The clock of this device does not move.
    application.advance(3 * 3600)
    await supplier.getByText('Fristen er ute, og tilbudet kan ikke leveres lenger.').waitFor({ timeout: 30_000 })
    expect(await send.isEnabled()).toBe(false)
    expect(await supplier.getByLabel('Tilbudstekst').inputValue()).toBe('Torv og never')
    await look(supplier, 'bid-too-late')
  })

  it('does not take what was written without asking', async () => {
    await supplier.getByRole('link', { name: 'Tilbake til prosjektene' }).click()
    const asked = supplier.getByRole('alertdialog', { name: 'Gå videre uten å lagre?' })
    await asked.getByRole('button', { name: 'Gå videre' }).click()
    await supplier.getByText('Fristen er ute, og tilbudene kan åpnes').waitFor()
  })
})

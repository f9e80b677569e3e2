import type { RfxEntry } from '@nokkel/contract'
import { decodeBase64Url, encodeBase64Url, encodeRfxTitle, sealRfxEntry } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../errors.ts'
import { createDevice, createFakeRfx, type FakeRfx } from '../../testing/fake-rfx.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import { createRfxContent } from './index.ts'
import { createRfxLog } from './rfx-log.ts'
import { writeEntry } from './write-entry.ts'

const section = { id: '00000000-0000-4000-8000-00000000000a', heading: 'Omfang', fields: [] }

/** A project with its title, open on a device of somebody. */
async function createProject() {
  const rfx = createFakeRfx()
  const device = await createDevice()
  const opened = await rfx.open(device)
  await rfx.writeTitle(opened)
  return { rfx, device, opened, content: createRfxContent(opened) }
}

/** What somebody signs who does not get the place. */
async function sealTitle(opened: OpenedRfx, title: string, entries: readonly RfxEntry[]) {
  const { key, version } = await opened.key()
  const newest = entries.at(-1)
  const sequence = entries.length + 1
  const sealed = await sealRfxEntry({
    organizationId: opened.organizationId,
    rfxId: opened.id,
    sequence,
    kind: 'title',
    object: opened.id,
    revision: entries.filter(({ kind }) => kind === 'title').length + 1,
    previous: newest ? await digestOf(newest.statement) : null,
    current: { title: sequence, specification: 0 },
    plaintext: encodeRfxTitle(title),
    key,
    version,
    author: await opened.author(),
  })
  return { ...sealed, version }
}

async function digestOf(statement: string): Promise<Uint8Array<ArrayBuffer>> {
  const input = statement.slice(0, statement.lastIndexOf('.'))
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(input)))
}

/** Somebody else, on a device of their own. */
async function join(rfx: FakeRfx) {
  const device = await createDevice()
  return { device, content: createRfxContent(await rfx.open(device)) }
}

function flip(text: string): string {
  const bytes = decodeBase64Url(text)
  bytes[bytes.byteLength - 1] = (bytes.at(-1) ?? 0) ^ 1
  return encodeBase64Url(bytes)
}

const codes = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'rejected' ? codeOf(result.reason) : 'read'))

describe('what is written in a project', () => {
  it('is the newest title, the newest specification and every comment', async () => {
    const { rfx, content } = await createProject()
    const other = await join(rfx)
    expect(await other.content.title()).toBe('Ny skole')
    expect(await other.content.specification()).toBeNull()
    expect(await other.content.comments()).toEqual([])
    await content.rename('Ny barneskole')
    const saved = await content.saveSpecification({ sections: [section] }, 0)
    expect(saved).toMatchObject({ revision: 1, specification: { sections: [section] } })
    const first = await content.comment('Hvor mange klasserom?')
    const second = await other.content.comment('Tolv.', section.id)
    expect(await other.content.title()).toBe('Ny barneskole')
    expect(await other.content.specification()).toEqual(saved)
    expect(await content.comments()).toEqual([first, second])
    expect(second).toMatchObject({
      text: 'Tolv.',
      section: section.id,
      sequence: 5,
      author: { id: other.device.userId },
    })
    await content.verifyLog()
  })

  it('is nowhere in what the server holds', async () => {
    const { rfx, content } = await createProject()
    await content.saveSpecification({ sections: [{ ...section, heading: 'planted' }] }, 0)
    await content.comment('planted')
    const held = rfx.entries.flatMap(({ content, statement }) => [content ?? '', ...statement.split('.').slice(0, 2)])
    const text = held.map((part) => new TextDecoder('latin1').decode(decodeBase64Url(part))).join()
    expect(text).toContain(rfx.id)
    expect(text).not.toMatch(/planted|Omfang|skole/)
  })

  it('is fetched once, from the newest back in pages of 200; then only what is new', async () => {
    const { rfx, content } = await createProject()
    for (let number = 1; number <= 210; number++) await content.comment(String(number))
    const other = await join(rfx)
    const pages: number[] = []
    const watch = () =>
      rfx.intercept('listRfxEntries', async (_, answer) => {
        const page = (await answer()) as { entries: RfxEntry[] }
        pages.push(page.entries.length)
        return page
      })
    for (let page = 1; page <= 2; page++) watch()
    expect((await other.content.comments()).map(({ text }) => text)).toEqual(
      Array.from({ length: 210 }, (_, index) => String(index + 1)),
    )
    expect(pages).toEqual([200, 11])
    for (let number = 1; number <= 3; number++) await content.comment('ny')
    for (let page = 1; page <= 2; page++) watch()
    expect(await other.content.comments()).toHaveLength(213)
    expect(pages).toEqual([200, 11, 1, 2])
  })

  it('opens a title without the whole log, and its log must agree', async () => {
    const { rfx, opened, content } = await createProject()
    await content.comment('først')
    const entries = [...rfx.entries]
    // Two titles at one place, both signed; the server took the second, and keeps the first.
    const loser = await sealTitle(opened, 'Aldri skrevet', entries)
    await content.rename('Skrevet')
    await content.comment('sist')
    const other = await join(rfx)
    const taken = rfx.entries[2] as RfxEntry
    rfx.intercept('getRfxEntry', () => ({
      ...taken,
      wrappedKey: encodeBase64Url(loser.wrappedKey ?? new Uint8Array()),
      content: encodeBase64Url(loser.content ?? new Uint8Array()),
      statement: loser.statement,
    }))
    expect(await other.content.title()).toBe('Aldri skrevet')
    await expect(other.content.comments()).rejects.toMatchObject({ code: 'rfx_tampered' })
  })

  it('follows the key to its next version', async () => {
    const { rfx, content } = await createProject()
    const other = await join(rfx)
    await other.content.comment('under den første')
    rfx.rekey()
    await content.comment('under den neste')
    expect((await other.content.comments()).map(({ text }) => text)).toEqual(['under den første', 'under den neste'])
    expect(rfx.entries.map(({ version }) => version)).toEqual([1, 1, 2])
  })

  it('of one who writes what is of no kind says so, and is written over', async () => {
    const { rfx, opened, content } = await createProject()
    const plaintext = new TextEncoder().encode('{"v":7}')
    const log = createRfxLog(opened)
    const object = crypto.randomUUID()
    const author = (await opened.author()).userId
    await writeEntry(opened, log, async () => ({ kind: 'title', object: rfx.id, revision: 2, plaintext }))
    await writeEntry(opened, log, async () => ({ kind: 'specification', object: rfx.id, revision: 1, plaintext }))
    await writeEntry(opened, log, async () => ({ kind: 'document', object, revision: 1, plaintext }))
    await content.addDocument(new File([new Uint8Array([1])], 'tegning.pdf'))
    expect(await content.title()).toBeNull()
    expect(await content.specification()).toMatchObject({ specification: null, revision: 1, author: { id: author } })
    const [broken, whole] = await content.documents()
    expect(broken).toMatchObject({ id: object, revision: 1, file: null, author: { id: author } })
    expect(whole?.file?.name).toBe('tegning.pdf')
    await content.verifyLog()

    await content.rename('Ny tittel')
    expect(await content.title()).toBe('Ny tittel')
    expect(await content.saveSpecification({ sections: [section] }, 1)).toMatchObject({ revision: 2 })
    await content.addDocument(new File([new Uint8Array([2])], 'avtale.pdf'), { replaces: object })
    expect((await content.documents()).map(({ file }) => file?.name)).toEqual(['avtale.pdf', 'tegning.pdf'])
    await content.removeDocument(object)
    expect((await content.documents()).map(({ file }) => file?.name)).toEqual(['tegning.pdf'])
  })

  it('of one who seals wrongly takes nothing else with it', async () => {
    const { rfx, content } = await createProject()
    await content.comment('én')
    await content.comment('to')
    const entry = rfx.entries[1] as RfxEntry
    rfx.entries[1] = { ...entry, wrappedKey: flip(entry.wrappedKey ?? '') }
    const other = await join(rfx)
    expect((await other.content.comments()).map(({ text }) => text)).toEqual([null, 'to'])
  })
})

describe('a log that is not what its authors signed', () => {
  /** Title, two comments, a specification, a comment. */
  async function fiveEntries() {
    const project = await createProject()
    await project.content.comment('én')
    await project.content.comment('to')
    await project.content.saveSpecification({ sections: [section] }, 0)
    await project.content.comment('tre')
    return project
  }

  const read = (content: ReturnType<typeof createRfxContent>) =>
    Promise.allSettled([content.comments(), content.verifyLog(), content.documents()])

  type Change = (entries: RfxEntry[]) => void
  const changed =
    (index: number, change: (entry: RfxEntry) => Partial<RfxEntry>): Change =>
    (entries) => {
      const entry = entries[index] as RfxEntry
      entries[index] = { ...entry, ...change(entry) }
    }
  const changes: [string, Change][] = [
    ['an altered content', changed(1, ({ content }) => ({ content: flip(content ?? '') }))],
    ['an altered statement', changed(1, ({ statement }) => ({ statement: statement.replace(/.$/, '_') }))],
    ['no statement at all', changed(2, () => ({ statement: 'a.b.c' }))],
    ['another kind', changed(1, () => ({ kind: 'document' }))],
    ['another object', changed(1, () => ({ objectId: section.id }))],
    ['another revision', changed(1, () => ({ revision: 2 }))],
    ['another author', changed(4, () => ({ author: { id: section.id, name: 'Ola', role: 'buyer' } }))],
    ['no content', changed(1, () => ({ content: null, wrappedKey: null }))],
    ['one left out', (entries) => void entries.splice(2, 1)],
    ['the first left out', (entries) => void entries.splice(0, 1)],
    ['one twice', (entries) => void entries.splice(2, 0, entries[2] as RfxEntry)],
    [
      'two in the place of each other',
      (entries) => {
        const [one, two] = [entries[1] as RfxEntry, entries[2] as RfxEntry]
        const rest = ({ content, wrappedKey, statement, objectId }: RfxEntry) => ({
          content,
          wrappedKey,
          statement,
          objectId,
        })
        Object.assign(one, rest(structuredClone(two)), { sequence: 2 })
      },
    ],
    ['nothing in it', (entries) => void entries.splice(0)],
  ]

  it.each(changes)('with %s is refused', async (_, change) => {
    const { rfx } = await fiveEntries()
    const { content } = await join(rfx)
    expect(codes(await read(content))).toEqual(['read', 'read', 'read'])
    change(rfx.entries)
    expect(codes(await read((await join(rfx)).content))).toEqual(['rfx_tampered', 'rfx_tampered', 'rfx_tampered'])
  })

  it('with an entry of another project is refused', async () => {
    const [{ rfx, device }, other] = await Promise.all([fiveEntries(), createFakeRfx()])
    const elsewhere = await other.open(device)
    await other.writeTitle(elsewhere, 'En annen skole')
    rfx.entries[0] = other.entries[0] as RfxEntry
    expect(codes(await read((await join(rfx)).content))).toEqual(['rfx_tampered', 'rfx_tampered', 'rfx_tampered'])
  })

  it('with an entry of somebody the directory does not know is refused', async () => {
    const { rfx, content } = await fiveEntries()
    const stranger = await rfx.open(await createDevice())
    await rfx.distrust(await stranger.author())
    const entries = [...rfx.entries]
    const { key, version } = await stranger.key()
    const sealed = await sealRfxEntry({
      organizationId: stranger.organizationId,
      rfxId: rfx.id,
      sequence: 6,
      kind: 'comment',
      object: crypto.randomUUID(),
      revision: 1,
      previous: await digestOf(entries.at(-1)?.statement ?? ''),
      current: { title: 1, specification: 4 },
      plaintext: encodeRfxTitle('forged'),
      key,
      version,
      author: await stranger.author(),
    })
    const body = {
      sequence: 6,
      version,
      wrappedKey: encodeBase64Url(sealed.wrappedKey ?? new Uint8Array()),
      content: encodeBase64Url(sealed.content ?? new Uint8Array()),
      statement: sealed.statement,
      blobs: [],
    }
    await stranger.call('addRfxEntry', { params: { id: rfx.id }, body })
    await expect(content.comments()).rejects.toMatchObject({ code: 'signature_untrusted' })
    await expect(content.comment('svar')).rejects.toMatchObject({ code: 'signature_untrusted' })
  })

  it('with another title or specification than the newest entry says is refused', async () => {
    const { rfx, content } = await fiveEntries()
    await content.rename('Ny barneskole')
    await content.saveSpecification({ sections: [] }, 1)
    const other = await join(rfx)
    const older = rfx.entries[3] as RfxEntry
    rfx.intercept('listRfxEntries', () => ({ entries: [{ ...older, sequence: 7 }] }))
    await expect(other.content.specification()).rejects.toMatchObject({ code: 'rfx_tampered' })
    rfx.intercept('getRfxEntry', () => rfx.entries[0])
    await expect(other.content.title()).rejects.toMatchObject({ code: 'rfx_tampered' })
    rfx.intercept('getRfxEntry', () => {
      throw rfx.refusal('not_found')
    })
    await expect(other.content.title()).rejects.toMatchObject({ code: 'rfx_tampered' })
    expect(await other.content.title()).toBe('Ny barneskole')
    expect(await other.content.specification()).toMatchObject({ revision: 2, specification: { sections: [] } })
  })

  it('that names a version of the key that nobody has made is refused', async () => {
    const { rfx } = await fiveEntries()
    rfx.entries[0] = { ...(rfx.entries[0] as RfxEntry), version: 7 }
    await expect((await join(rfx)).content.title()).rejects.toMatchObject({ code: 'rfx_tampered' })
  })

  it.each(['in the same page', 'after the page was loaded anew'])(
    'that is older than what this device has seen is refused, %s',
    async (when) => {
      const { rfx, opened, device } = await fiveEntries()
      const before = createRfxContent(opened)
      await before.comments()
      rfx.entries.pop()
      const content = when === 'in the same page' ? before : createRfxContent(await rfx.open(device))
      expect(codes(await Promise.allSettled([content.title(), content.comments(), content.comment('og')]))).toEqual([
        'rfx_rolled_back',
        'rfx_rolled_back',
        'rfx_rolled_back',
      ])
      rfx.entries.splice(0)
      await expect(content.title()).rejects.toMatchObject({ code: 'rfx_rolled_back' })
    },
  )

  it.each(['in the same page', 'after the page was loaded anew'])(
    'that has another entry in the place of one this device has seen is refused, %s',
    async (when) => {
      const { rfx, opened, device } = await fiveEntries()
      const before = createRfxContent(opened)
      await before.comments()
      const seen = rfx.entries.pop()
      const { content } = await join(rfx)
      await content.comment('i stedet')
      const read = when === 'in the same page' ? before : createRfxContent(await rfx.open(device))
      await expect(read.comments()).rejects.toMatchObject({ code: 'rfx_rolled_back' })
      await content.comment('og etterpå')
      await expect(read.comments()).rejects.toMatchObject({ code: 'rfx_rolled_back' })
      await expect(read.title()).rejects.toMatchObject({ code: 'rfx_rolled_back' })
      rfx.entries.splice(4, 2, seen as RfxEntry)
      expect(await read.comments()).toHaveLength(3)
    },
  )

  it('is none that another tab has seen more of meanwhile', async () => {
    const { rfx, device } = await fiveEntries()
    const tabs = [createRfxContent(await rfx.open(device)), createRfxContent(await rfx.open(device))] as const
    const { content } = await join(rfx)
    await Promise.all(tabs.map((tab) => tab.comments()))
    rfx.intercept('listRfxEntries', async (_, answer) => {
      const late = await answer()
      await content.comment('imens')
      await tabs[1].comments()
      return late
    })
    expect((await tabs[0].comments()).at(-1)?.text).toBe('imens')
  })
})

describe('writing', () => {
  it('by many at once puts each in a place of its own', async () => {
    const { rfx, content } = await createProject()
    const people = [content, (await join(rfx)).content]
    await Promise.all(
      people.flatMap((person, index) => [1, 2, 3].map((number) => person.comment(`${index} ${number}`))),
    )
    const texts = (await content.comments()).map(({ text }) => text)
    expect(texts.toSorted()).toEqual(['0 1', '0 2', '0 3', '1 1', '1 2', '1 3'])
    expect(rfx.entries.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7])
    await (await join(rfx)).content.verifyLog()
  })

  it('gives up when it is always somebody else’s turn', async () => {
    const { rfx, content } = await createProject()
    for (let attempt = 1; attempt <= 9; attempt++) {
      rfx.intercept('addRfxEntry', () => {
        throw rfx.refusal('sequence_stale')
      })
    }
    rfx.log.length = 0
    await expect(content.comment('og')).rejects.toMatchObject({ code: 'sequence_stale' })
    expect(rfx.log.filter((endpoint) => endpoint === 'addRfxEntry')).toHaveLength(5)
    expect(rfx.entries).toHaveLength(1)
  })

  it('under a version that is stale is done under the next', async () => {
    const { rfx, content } = await createProject()
    rfx.rekey()
    await content.comment('én')
    rfx.intercept('addRfxEntry', () => void rfx.rekey())
    await content.comment('to')
    expect(rfx.entries.map(({ version }) => version)).toEqual([1, 2, 3])
    expect((await (await join(rfx)).content.comments()).map(({ text }) => text)).toEqual(['én', 'to'])
  })

  it('a specification that was saved meanwhile tells so, and saves nothing', async () => {
    const { rfx, content } = await createProject()
    const other = await join(rfx)
    await content.saveSpecification({ sections: [section] }, 0)
    const stale = other.content.saveSpecification({ sections: [] }, 0)
    await expect(stale).rejects.toMatchObject({ code: 'revision_stale', data: { revision: 1 } })
    rfx.intercept('addRfxEntry', async () => void (await content.saveSpecification({ sections: [] }, 1)))
    const raced = other.content.saveSpecification({ sections: [section] }, 1)
    await expect(raced).rejects.toMatchObject({ code: 'revision_stale', data: { revision: 2 } })
    expect(await other.content.specification()).toMatchObject({ revision: 2, specification: { sections: [] } })
    expect(rfx.entries).toHaveLength(3)
  })

  it('two titles at once leaves the later', async () => {
    const { rfx, content } = await createProject()
    const other = await join(rfx)
    rfx.intercept('addRfxEntry', async () => void (await other.content.rename('Deres')))
    await content.rename('Vår')
    expect(await other.content.title()).toBe('Vår')
    expect(rfx.entries.map(({ revision }) => revision)).toEqual([1, 2, 3])
  })

  it('believes no answer that is not what was sent', async () => {
    const { rfx, content } = await createProject()
    const other = await join(rfx)
    rfx.intercept('addRfxEntry', async () => {
      await other.content.comment('noe annet')
      return rfx.entries.at(-1)
    })
    await expect(content.comment('dette')).rejects.toMatchObject({ code: 'rfx_tampered' })
  })

  it('refuses what is no comment, title or specification before anything is sent', async () => {
    const { rfx, content } = await createProject()
    rfx.log.length = 0
    await expect(content.comment('')).rejects.toThrow(RangeError)
    await expect(content.comment('x', 'no id')).rejects.toThrow(RangeError)
    await expect(content.rename('x'.repeat(201))).rejects.toThrow(RangeError)
    await expect(content.saveSpecification({ sections: [section, section] }, 0)).rejects.toThrow(RangeError)
    expect(rfx.log).toEqual([])
  })
})

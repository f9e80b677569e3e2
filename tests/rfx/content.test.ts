import type { Rfx } from '@nokkel/client'
import { FILE_CHUNK_BYTE_LENGTH } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { type RealServer, startRealServer } from '../../tools/testing/real-server.ts'
import { companies, type Device, logIn } from './testing/fjordhjelpen.ts'

const section = { id: '00000000-0000-4000-8000-00000000000a', heading: 'Omfang', fields: [] }

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let start = 0; start < length; start += 65_536) crypto.getRandomValues(bytes.subarray(start, start + 65_536))
  return bytes
}

function fileOf(bytes: Uint8Array<ArrayBuffer>, name = 'tegning.bin'): File {
  return new File([bytes], name, { type: 'application/octet-stream', lastModified: 0 })
}

async function bytesRead(project: Rfx): Promise<Uint8Array[]> {
  const documents = await project.documents()
  return Promise.all(
    documents.map(async ({ file }) => new Uint8Array((await (await file?.blob())?.arrayBuffer()) ?? [])),
  )
}

const isChunk = ({ method, url }: Request) => method === 'PUT' && url.includes('/chunks/')

describe.each(databaseEngines)('what is written in a project [%s]', (engine) => {
  let server: RealServer
  let silje: Device
  let kari: Device

  beforeAll(async () => {
    server = await startRealServer({ engine })
    silje = await logIn(server, 'silje')
    kari = await logIn(server, 'kari')
  })
  afterAll(() => server.close())

  /** A draft that Silje has made and both have open. */
  async function createProject(title = 'Ny skole') {
    const own = await silje.nokkel.rfx.create({ title, companyId: companies.innkjop })
    expect(await own.distribute()).toMatchObject({ success: true })
    const theirs = kari.nokkel.rfx.get(own.id)
    await theirs.open()
    return { own, theirs, id: own.id }
  }

  it('reaches the others as it was written', async () => {
    const { own, theirs } = await createProject()
    const comment = await own.comment('Hvor mange klasserom?')
    expect(await theirs.comments()).toEqual([comment])
    expect(comment.author).toEqual({ id: silje.id, name: 'Silje Vik', role: 'buyer' })
    await theirs.rename('Ny barneskole')
    await own.reload()
    expect(own.getSnapshot().details?.title).toBe('Ny barneskole')
    const saved = await own.saveSpecification({ sections: [section] }, 0)
    expect(await theirs.specification()).toEqual(saved)
    await expect(theirs.saveSpecification({ sections: [] }, 0)).rejects.toMatchObject({
      code: 'revision_stale',
      data: { revision: 1 },
    })
    expect(await theirs.saveSpecification({ sections: [] }, 1)).toMatchObject({ revision: 2, author: { id: kari.id } })
    expect(await own.check()).toEqual([])
  })

  it('by two at once has both, in one order', async () => {
    const { own, theirs } = await createProject()
    await Promise.all([own, theirs].flatMap((project) => [1, 2].map((number) => project.comment(String(number)))))
    const comments = await own.comments()
    expect(comments.map(({ text }) => text).toSorted()).toEqual(['1', '1', '2', '2'])
    expect(comments.map(({ sequence }) => sequence)).toEqual([2, 3, 4, 5])
    expect(await theirs.comments()).toEqual(comments)
  })

  it('has documents that come back as they were, are replaced and removed', async () => {
    const { own, theirs } = await createProject()
    const bytes = randomBytes(FILE_CHUNK_BYTE_LENGTH + 1)
    const { id } = await own.addDocument(fileOf(bytes))
    expect(await bytesRead(theirs)).toEqual([bytes])
    const next = randomBytes(100)
    expect(await theirs.addDocument(fileOf(next, 'ny.bin'), { replaces: id })).toMatchObject({ id, revision: 2 })
    expect(await bytesRead(own)).toEqual([next])
    await own.removeDocument(id)
    expect(await theirs.documents()).toEqual([])
    const { rows } = await sql<{ count: number }>`
      select count(*)::integer as count from public.blob where rfx_id = ${own.id}::uuid`.execute(server.database.owner)
    expect(rows[0]?.count).toBe(0)
    expect(await own.check()).toEqual([])
  })

  it('an upload that was interrupted goes on in another tab, under a version made meanwhile', async () => {
    const { own, theirs, id } = await createProject()
    const bytes = randomBytes(3 * FILE_CHUNK_BYTE_LENGTH + 1)
    const controller = new AbortController()
    let chunks = 0
    const stop = server.meet(async (request, answer) => {
      if (!isChunk(request) || ++chunks !== 3) return undefined
      await answer()
      controller.abort()
      throw new TypeError('the connection was lost')
    })
    const cut = own.addDocument(fileOf(bytes), { signal: controller.signal })
    await expect(cut).rejects.toMatchObject({ code: 'cancelled' })
    stop()
    expect(chunks).toBe(3)

    const tab = (await silje.reopen()).rfx.get(id)
    await tab.exclude(kari.id)
    await tab.readmit(kari.id)
    const sent: string[] = []
    const count = server.meet(async (request) => {
      if (isChunk(request)) sent.push(request.url)
      return undefined
    })
    const resumed: number[] = []
    await tab.addDocument(fileOf(bytes), { onResumed: (length) => resumed.push(length) })
    count()
    expect(resumed).toEqual([3 * FILE_CHUNK_BYTE_LENGTH])
    expect(sent).toHaveLength(1)
    expect(await bytesRead(tab)).toEqual([bytes])
    await theirs.reload()
    expect(await bytesRead(theirs)).toEqual([bytes])
    expect(theirs.getSnapshot().details?.version).toBe(2)
    expect((await silje.storage.list('rfx_upload')).length).toBe(0)
  })

  it('a new version in the middle of an upload costs no chunk', async () => {
    const { own, theirs } = await createProject()
    const bytes = randomBytes(2 * FILE_CHUNK_BYTE_LENGTH + 1)
    const sent: string[] = []
    const stop = server.meet(async (request) => {
      if (isChunk(request) && sent.push(request.url) === 2) {
        await own.exclude(kari.id)
        await own.readmit(kari.id)
      }
      return undefined
    })
    const theirUpload = own.addDocument(fileOf(bytes))
    await theirUpload
    stop()
    expect(sent).toHaveLength(3)
    expect(own.getSnapshot().details?.version).toBe(2)
    await theirs.reload()
    expect(await bytesRead(theirs)).toEqual([bytes])
  })

  it('somebody writing under a version that another has replaced writes under the next', async () => {
    const { own, theirs } = await createProject()
    const marit = await logIn(server, 'marit')
    await own.sendForReview()
    await own.exclude(marit.id)
    await theirs.comment('etterpå')
    expect((await own.comments()).map(({ text }) => text)).toEqual(['etterpå'])
    const { rows } = await sql<{ version: number }>`
      select key_version as version from public.rfx_entry where rfx_id = ${own.id}::uuid order by sequence desc limit 1`.execute(
      server.database.owner,
    )
    expect(rows[0]?.version).toBe(2)
  })

  it('rows that were exchanged, and files that were cut or exchanged, are noticed', async () => {
    const { own, theirs } = await createProject()
    await own.comment('én')
    await own.comment('to')
    await own.addDocument(fileOf(randomBytes(100)))
    await own.addDocument(fileOf(randomBytes(100), 'annet.bin'))
    const documents = await theirs.documents()
    const owner = server.database.owner
    await sql`update public.blob_chunk c set bytes = substring(c.bytes from 1 for 90) where c.blob_id in
      (select id from public.blob where rfx_id = ${own.id}::uuid order by id limit 1)`.execute(owner)
    await sql`update public.blob_chunk c set bytes = o.bytes from public.blob_chunk o where c.blob_id =
      (select id from public.blob where rfx_id = ${own.id}::uuid order by id desc limit 1) and o.blob_id =
      (select id from public.blob where rfx_id = ${own.id}::uuid order by id limit 1)`.execute(owner)
    for (const { file } of documents) await expect(file?.blob()).rejects.toMatchObject({ code: 'file_damaged' })

    await sql`update public.rfx_entry e set content = o.content, wrapped_key = o.wrapped_key, statement = o.statement, digest = o.digest,
      created_at = o.created_at from public.rfx_entry o where e.rfx_id = ${own.id}::uuid and o.rfx_id = e.rfx_id
      and (e.sequence, o.sequence) in ((2, 3), (3, 2))`.execute(owner)
    const tab = (await kari.reopen()).rfx.get(own.id)
    await expect(tab.comments()).rejects.toMatchObject({ code: 'rfx_tampered' })
    expect(await theirs.comments()).toHaveLength(2)
  })

  it('a log that was rolled back is noticed, in the same page and in the next', async () => {
    const { own, theirs } = await createProject()
    await own.comment('én')
    await own.comment('to')
    await theirs.comments()
    await sql`delete from public.rfx_entry where rfx_id = ${own.id}::uuid and sequence = 3`.execute(
      server.database.owner,
    )
    await expect(theirs.comments()).rejects.toMatchObject({ code: 'rfx_rolled_back' })
    await expect(theirs.comment('tre')).rejects.toMatchObject({ code: 'rfx_rolled_back' })
    const tab = (await kari.reopen()).rfx.get(own.id)
    await tab.open()
    expect(tab.getSnapshot()).toMatchObject({ state: 'error', error: { code: 'rfx_rolled_back' } })
    await expect(tab.comments()).rejects.toMatchObject({ code: 'rfx_rolled_back' })
  })
})

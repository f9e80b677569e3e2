import type { BidContent, Rfx } from '@nokkel/client'
import { FILE_CHUNK_BYTE_LENGTH } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { type RealServer, startRealServer } from '../../tools/testing/real-server.ts'
import { passDeadline } from '../../tools/testing/rfx/projects.ts'
import { companies, type Device, logIn } from './testing/fjordhjelpen.ts'

const inAnHour = () => new Date(Date.now() + 3_600_000)

function bidOf(text: string, ...files: Uint8Array<ArrayBuffer>[]): BidContent {
  const named = files.map((bytes, index) => new File([bytes], `vedlegg-${index}.bin`, { lastModified: 0 }))
  return { text, amount: '2400000.50', currency: 'NOK', files: named }
}

describe.each(databaseEngines)('sealed bids [%s]', (engine) => {
  let server: RealServer
  let silje: Device
  let kari: Device
  let marit: Device
  let bjorn: Device
  let aile: Device
  let ola: Device

  beforeAll(async () => {
    server = await startRealServer({ engine })
    silje = await logIn(server, 'silje')
    await silje.nokkel.companies.generateKey(companies.innkjop)
    kari = await logIn(server, 'kari')
    marit = await logIn(server, 'marit')
    bjorn = await logIn(server, 'bjorn')
    aile = await logIn(server, 'aile')
    ola = await logIn(server, 'ola')
  })
  afterAll(() => server.close())

  /** Approved, with Silje as the one who opens, and Åsgårdstrand Rør and Fjell Malermester invited. */
  async function createProject() {
    const project = await silje.nokkel.rfx.create({ title: 'Ny skole', companyId: companies.innkjop })
    await project.nameOpener(silje.id)
    await project.invite(companies.ror)
    await project.invite(companies.maler)
    await project.setDeadline(inAnHour())
    await project.sendForReview()
    await marit.nokkel.rfx.get(project.id).approve()
    const of = ({ nokkel }: Device): Rfx => nokkel.rfx.get(project.id)
    return { id: project.id, project, of }
  }

  it('are submitted, replaced, kept from everyone until the deadline, and opened after it', async () => {
    const { id, project, of } = await createProject()
    const attached = crypto.getRandomValues(new Uint8Array(50_000))
    const first = await of(bjorn).submitBid(companies.ror, bidOf('Første', attached))
    expect(first).toMatchObject({ mine: true, state: 'submitted', revision: 1, company: { name: 'Åsgårdstrand Rør' } })
    const second = await of(bjorn).submitBid(companies.ror, bidOf('Bedre', attached))
    expect(second).toMatchObject({ id: first.id, revision: 2 })
    const other = await of(ola).submitBid(companies.maler, bidOf('Maling'))

    const own = await of(bjorn).openBid(first.id)
    expect(own).toMatchObject({ text: 'Bedre', amount: '2400000.50', currency: 'NOK' })
    expect(new Uint8Array(await ((await own.files[0]?.blob())?.arrayBuffer() ?? new ArrayBuffer()))).toEqual(attached)
    expect(await of(aile).bids()).toMatchObject([{ id: first.id, mine: true }])
    expect((await of(aile).openBid(first.id)).text).toBe('Bedre')

    expect((await of(bjorn).bids()).map((bid) => bid.id)).toEqual([first.id])
    await expect(of(bjorn).openBid(other.id)).rejects.toMatchObject({ code: 'not_found' })
    for (const device of [silje, kari, marit]) expect(await of(device).bids()).toEqual([])
    await expect(project.openBid(first.id)).rejects.toMatchObject({ code: 'deadline_not_passed' })
    await expect(of(kari).openBid(first.id)).rejects.toMatchObject({ code: 'not_found' })

    await passDeadline(server.database, id)
    expect((await project.bids()).map((bid) => [bid.mine, bid.revision, bid.openedAt]).toSorted()).toEqual([
      [false, 1, null],
      [false, 2, null],
    ])
    const opened = await project.openBid(first.id)
    expect(opened).toMatchObject({ text: 'Bedre', amount: '2400000.50' })
    expect(new Uint8Array(await ((await opened.files[0]?.blob())?.arrayBuffer() ?? new ArrayBuffer()))).toEqual(
      attached,
    )
    expect((await project.openBid(other.id)).text).toBe('Maling')
    expect((await project.bids()).every(({ openedAt }) => openedAt !== null)).toBe(true)
    await expect(of(bjorn).openBid(other.id)).rejects.toMatchObject({ code: 'not_found' })
    await expect(of(bjorn).submitBid(companies.ror, bidOf('For sent'))).rejects.toMatchObject({
      code: 'deadline_passed',
    })
    await expect(of(kari).openBid(first.id)).rejects.toMatchObject({ code: 'not_found' })
    expect((await of(bjorn).openBid(first.id)).text).toBe('Bedre')
  })

  it('are withdrawn, and may be submitted once more', async () => {
    const { id, project, of } = await createProject()
    const { id: bidId } = await of(ola).submitBid(companies.maler, bidOf('Maling', new Uint8Array(10)))
    await of(ola).withdrawBid(companies.maler)
    expect(await of(ola).bids()).toMatchObject([{ id: bidId, state: 'withdrawn', submittedAt: null }])
    await expect(of(ola).openBid(bidId)).rejects.toMatchObject({ code: 'not_found' })
    await of(ola).withdrawBid(companies.maler)
    await expect(of(bjorn).withdrawBid(companies.ror)).rejects.toMatchObject({ code: 'forbidden' })
    const { rows } = await sql<{ count: number }>`
      select count(*)::integer as count from public.blob where rfx_id = ${id}::uuid`.execute(server.database.owner)
    expect(rows[0]?.count).toBe(0)
    expect(await of(ola).submitBid(companies.maler, bidOf('Likevel'))).toMatchObject({ id: bidId, revision: 2 })
    await passDeadline(server.database, id)
    expect((await project.openBid(bidId)).text).toBe('Likevel')
    await expect(of(ola).withdrawBid(companies.maler)).rejects.toMatchObject({ code: 'deadline_passed' })
  })

  it('are still opened when openers and colleagues have changed since', async () => {
    const { id, project, of } = await createProject()
    const { id: bidId } = await of(bjorn).submitBid(companies.ror, bidOf('Før'))
    await project.nameOpener(kari.id)
    await project.dismissOpener(kari.id)
    await project.exclude(aile.id)
    await of(bjorn).settle()
    const rows = await sql<{ own: number; opening: number }>`
      select own_version as own, opening_version as opening from public.rfx_bid where id = ${bidId}::uuid`.execute(
      server.database.owner,
    )
    expect(rows.rows[0]).toEqual({ own: 2, opening: 1 })
    expect((await of(bjorn).openBid(bidId)).text).toBe('Før')
    const { id: after } = await of(ola).submitBid(companies.maler, bidOf('Etter'))
    await passDeadline(server.database, id)
    expect((await project.openBid(bidId)).text).toBe('Før')
    expect((await project.openBid(after)).text).toBe('Etter')
  })

  it('that were altered, or exchanged, do not open', async () => {
    const { id, project, of } = await createProject()
    const { id: bidId } = await of(bjorn).submitBid(companies.ror, bidOf('Rør'))
    await of(ola).submitBid(companies.maler, bidOf('Maling'))
    await passDeadline(server.database, id)
    const owner = server.database.owner
    const restore = await sql<{
      content: Uint8Array
    }>`select content from public.rfx_bid where id = ${bidId}::uuid`.execute(owner)
    await sql`update public.rfx_bid b set content = o.content from public.rfx_bid o
      where b.id = ${bidId}::uuid and o.rfx_id = b.rfx_id and o.id <> b.id`.execute(owner)
    await expect(project.openBid(bidId)).rejects.toMatchObject({ code: 'rfx_tampered' })
    await expect(of(bjorn).openBid(bidId)).rejects.toMatchObject({ code: 'rfx_tampered' })
    await sql`update public.rfx_bid set content = ${restore.rows[0]?.content}::bytea, revision = 7 where id = ${bidId}::uuid`.execute(
      owner,
    )
    await expect(project.openBid(bidId)).rejects.toMatchObject({ code: 'rfx_tampered' })
    await sql`update public.rfx_bid set revision = 1, author_id = ${ola.id}::uuid where id = ${bidId}::uuid`.execute(
      owner,
    )
    await expect(project.openBid(bidId)).rejects.toMatchObject({ code: 'rfx_tampered' })
    await sql`update public.rfx_bid set author_id = ${bjorn.id}::uuid where id = ${bidId}::uuid`.execute(owner)
    expect((await project.openBid(bidId)).text).toBe('Rør')
  })

  it('with files go on after an interruption; a colleague’s bid is not replaced unseen', async () => {
    const { of } = await createProject()
    const bytes = new Uint8Array(2 * FILE_CHUNK_BYTE_LENGTH + 1).fill(7)
    const controller = new AbortController()
    let chunks = 0
    const stop = server.meet(async (request) => {
      if (request.method !== 'PUT' || !request.url.includes('/chunks/') || ++chunks !== 2) return undefined
      controller.abort()
      throw new TypeError('the connection was lost')
    })
    const cut = of(bjorn).submitBid(companies.ror, bidOf('Med vedlegg', bytes), { signal: controller.signal })
    await expect(cut).rejects.toMatchObject({ code: 'cancelled' })
    stop()
    const theirs = await of(aile).submitBid(companies.ror, bidOf('Kollegaens'))
    const resumed: number[] = []
    let raced = false
    const meet = server.meet(async (request) => {
      if (raced || request.method !== 'PUT' || !request.url.includes('/chunks/')) return undefined
      raced = true
      await of(aile).submitBid(companies.ror, bidOf('Kollegaens neste'))
      return undefined
    })
    const late = of(bjorn).submitBid(companies.ror, bidOf('Med vedlegg', bytes), {
      onResumed: (length) => resumed.push(length),
    })
    await expect(late).rejects.toMatchObject({ code: 'revision_stale' })
    meet()
    expect(resumed).toEqual([FILE_CHUNK_BYTE_LENGTH])
    expect((await of(bjorn).openBid(theirs.id)).text).toBe('Kollegaens neste')
    const done = await of(bjorn).submitBid(companies.ror, bidOf('Med vedlegg', bytes))
    expect(done).toMatchObject({ id: theirs.id, revision: 3 })
    const { files } = await of(aile).openBid(done.id)
    expect((await files[0]?.blob())?.size).toBe(bytes.byteLength)
    expect(await bjorn.storage.list('rfx_upload')).toEqual([])
  })

  it('refuse what is no bid before anything is sent', async () => {
    const { of } = await createProject()
    const sent: string[] = []
    await of(ola).open()
    const stop = server.meet(async ({ url }) => {
      sent.push(url)
      return undefined
    })
    const bid = (change: object) => of(ola).submitBid(companies.maler, { ...bidOf('x'), ...change })
    await expect(bid({ amount: '1,5' })).rejects.toThrow(RangeError)
    await expect(bid({ currency: 'SEK' })).rejects.toThrow(TypeError)
    await expect(bid({ files: Array.from({ length: 51 }, () => new File([], 'x')) })).rejects.toThrow(RangeError)
    stop()
    expect(sent).toEqual([])
    await expect(of(ola).submitBid(companies.ror, bidOf('x'))).rejects.toMatchObject({ code: 'not_found' })
  })
})

import { FILE_CHUNK_BYTE_LENGTH } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import type { OutgoingFile } from '../../assignments/upload-file.ts'
import { createDevice, createFakeRfx, type FakeRfx } from '../../testing/fake-rfx.ts'
import { createRfxContent, type RfxContent } from './index.ts'

const lastModified = Date.parse('2026-11-21T12:00:00Z')
const day = 86_400_000

async function createProject() {
  const rfx = createFakeRfx()
  const device = await createDevice()
  const open = async () => createRfxContent(await rfx.open(device))
  const content = await open()
  await rfx.writeTitle(await rfx.open(device))
  return { rfx, device, content, open }
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let start = 0; start < length; start += 65_536) crypto.getRandomValues(bytes.subarray(start, start + 65_536))
  return bytes
}

function fileOf(bytes: Uint8Array<ArrayBuffer>, name = 'tegning.bin'): File {
  return new File([bytes], name, { type: 'application/octet-stream', lastModified })
}

/** Bytes of `chunks` whole chunks and one byte. */
const bytesOf = (chunks: number) => randomBytes(chunks * FILE_CHUNK_BYTE_LENGTH + 1)

/** Loses the connection at the chunk of this index, or at its answer. */
function interrupt(rfx: FakeRfx, at: number, where: 'request' | 'answer' = 'request') {
  for (let index = 0; index <= at; index++) {
    rfx.intercept('putBlobChunk', async (_, answer) => {
      if (index < at) return undefined
      if (where === 'answer') await answer()
      throw rfx.refusal('network_unreachable')
    })
  }
}

async function bytesRead(content: RfxContent): Promise<Uint8Array[]> {
  const documents = await content.documents()
  return Promise.all(
    documents.map(async ({ file }) => new Uint8Array((await (await file?.blob())?.arrayBuffer()) ?? [])),
  )
}

const sentOf = ({ log }: FakeRfx) => log.filter((endpoint) => endpoint === 'putBlobChunk').length

describe('a document', () => {
  it.each([0, 1, FILE_CHUNK_BYTE_LENGTH, 2 * FILE_CHUNK_BYTE_LENGTH + 1])(
    'of %i bytes comes back as it was',
    async (length) => {
      const { rfx, content, device } = await createProject()
      const bytes = randomBytes(length)
      const progress: number[] = []
      const added = await content.addDocument(fileOf(bytes), { onProgress: ({ done }) => progress.push(done) })
      expect(added).toMatchObject({ revision: 1, file: { name: 'tegning.bin', byteLength: length } })
      expect(progress[0]).toBe(0)
      expect(progress.at(-1)).toBe(length)
      const other = createRfxContent(await rfx.open(await createDevice()))
      expect(await bytesRead(other)).toEqual([bytes])
      expect(await device.storage.list('rfx_upload')).toEqual([])
    },
  )

  it('is replaced and removed', async () => {
    const { rfx, content } = await createProject()
    const first = await content.addDocument(fileOf(randomBytes(10)))
    const other = await content.addDocument(fileOf(randomBytes(10), 'annet.bin'))
    const bytes = randomBytes(20)
    const second = await content.addDocument(fileOf(bytes), { replaces: first.id })
    expect(second).toMatchObject({ id: first.id, revision: 2 })
    expect((await content.documents()).map(({ id, revision }) => [id, revision])).toEqual([
      [first.id, 2],
      [other.id, 1],
    ])
    await content.removeDocument(other.id)
    expect(await bytesRead(content)).toEqual([bytes])
    rfx.log.length = 0
    await expect(content.removeDocument(other.id)).rejects.toMatchObject({ code: 'not_found' })
    const replacing = content.addDocument(fileOf(bytes), { replaces: other.id })
    await expect(replacing).rejects.toMatchObject({ code: 'not_found' })
    expect(rfx.log).not.toContain('createBlob')
    await content.verifyLog()
  })

  it('that somebody else removed first is removed; one replaced meanwhile has its next revision', async () => {
    const { rfx, content } = await createProject()
    const other = createRfxContent(await rfx.open(await createDevice()))
    const one = await content.addDocument(fileOf(randomBytes(10)))
    rfx.intercept('addRfxEntry', async () => void (await other.removeDocument(one.id)))
    await content.removeDocument(one.id)
    expect(rfx.entries.map(({ kind }) => kind)).toEqual(['title', 'document', 'removal'])

    const two = await content.addDocument(fileOf(randomBytes(10)))
    rfx.intercept('addRfxEntry', async () => {
      await other.addDocument(fileOf(randomBytes(11)), { replaces: two.id })
    })
    expect(await content.addDocument(fileOf(randomBytes(12)), { replaces: two.id })).toMatchObject({ revision: 3 })
    await content.verifyLog()
  })

  it.each([
    ['cut short', (chunk: Uint8Array<ArrayBuffer>) => chunk.slice(0, -1)],
    ['altered', (chunk: Uint8Array<ArrayBuffer>) => chunk.map((byte, index) => (index === 99 ? byte ^ 1 : byte))],
    ['missing', () => undefined],
  ])('of which a chunk is %s is damaged', async (_, change) => {
    const { rfx, content } = await createProject()
    await content.addDocument(fileOf(bytesOf(1)))
    const chunks = [...rfx.blobs.values()][0]?.chunks
    const changed = change(chunks?.get(0) ?? new Uint8Array())
    if (changed) chunks?.set(0, changed)
    else chunks?.delete(0)
    await expect(bytesRead(content)).rejects.toMatchObject({ code: 'file_damaged' })
  })

  it('whose chunks are those of another one is damaged', async () => {
    const { rfx, content } = await createProject()
    await content.addDocument(fileOf(randomBytes(10)))
    await content.addDocument(fileOf(randomBytes(10), 'annet.bin'))
    const [one, two] = [...rfx.blobs.values()]
    const first = one?.chunks.get(0) ?? new Uint8Array()
    one?.chunks.set(0, two?.chunks.get(0) ?? new Uint8Array())
    two?.chunks.set(0, first)
    for (const { file } of await content.documents()) {
      await expect(file?.blob()).rejects.toMatchObject({ code: 'file_damaged' })
    }
  })

  it('whose entry does not open is listed as that, and stops no other', async () => {
    const { rfx, content } = await createProject()
    await content.addDocument(fileOf(randomBytes(10)))
    const [title, document] = rfx.entries
    if (title && document) rfx.entries[1] = { ...document, wrappedKey: title.wrappedKey }
    const other = createRfxContent(await rfx.open(await createDevice()))
    expect(await other.documents()).toMatchObject([{ revision: 1, file: null }])
  })

  it('keeps no key after all was forgotten', async () => {
    const { content } = await createProject()
    const { file } = await content.addDocument(fileOf(randomBytes(10)))
    expect((await file?.blob())?.size).toBe(10)
    content.forget()
    await expect(file?.blob()).rejects.toMatchObject({ code: 'file_damaged' })
  })
})

describe('an interrupted upload', () => {
  it.each([
    ['request', 2, 3],
    ['answer', 3, 2],
  ] as const)('whose %s was lost goes on in another tab', async (where, stored, missing) => {
    const { rfx, content, device, open } = await createProject()
    const bytes = bytesOf(4)
    interrupt(rfx, 2, where)
    await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
    rfx.log.length = 0
    const resumed: number[] = []
    const progress: number[] = []
    const next = await open()
    await next.addDocument(fileOf(bytes), {
      onResumed: (length) => resumed.push(length),
      onProgress: ({ done }) => progress.push(done),
    })
    expect(resumed).toEqual([stored * FILE_CHUNK_BYTE_LENGTH])
    expect(progress.at(-1)).toBe(bytes.byteLength)
    expect(sentOf(rfx)).toBe(missing)
    expect(rfx.blobs.size).toBe(1)
    expect(await bytesRead(next)).toEqual([bytes])
    expect(await device.storage.list('rfx_upload')).toEqual([])
  })

  it('goes on after it was cancelled', async () => {
    const { rfx, content } = await createProject()
    const bytes = bytesOf(3)
    const controller = new AbortController()
    const cancelling = content.addDocument(fileOf(bytes), {
      signal: controller.signal,
      onProgress: ({ done }) => done > FILE_CHUNK_BYTE_LENGTH && controller.abort(),
    })
    await expect(cancelling).rejects.toMatchObject({ code: 'cancelled' })
    rfx.log.length = 0
    await content.addDocument(fileOf(bytes))
    expect(sentOf(rfx)).toBeLessThanOrEqual(2)
    expect(await bytesRead(content)).toEqual([bytes])
  })

  it('goes on when the key got a new version meanwhile, as does one under way', async () => {
    const { rfx, content } = await createProject()
    const bytes = bytesOf(2)
    interrupt(rfx, 1)
    await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
    rfx.rekey()
    rfx.log.length = 0
    rfx.intercept('putBlobChunk', () => void rfx.rekey())
    await content.addDocument(fileOf(bytes))
    expect(sentOf(rfx)).toBe(2)
    expect(rfx.blobs.size).toBe(1)
    expect(rfx.entries.at(-1)?.version).toBe(3)
    expect(await bytesRead(content)).toEqual([bytes])
  })

  it('of more chunks than one value of digests holds goes on', async () => {
    const { rfx, content, device, open } = await createProject()
    const bytes = new Uint8Array(66 * FILE_CHUNK_BYTE_LENGTH)
    bytes[65 * FILE_CHUNK_BYTE_LENGTH] = 1
    interrupt(rfx, 65)
    await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
    expect(await device.storage.list('rfx_upload')).toHaveLength(3)
    rfx.log.length = 0
    const next = await open()
    await next.addDocument(fileOf(bytes))
    expect(sentOf(rfx)).toBe(1)
    const [read] = await bytesRead(next)
    expect(Buffer.compare(read ?? new Uint8Array(), bytes)).toBe(0)
    expect(await device.storage.list('rfx_upload')).toEqual([])
  })

  it.each([0, 1, 2])(
    'of a file whose chunk %i has changed sends nothing, and begins anew after that',
    async (index) => {
      const { rfx, content, device } = await createProject()
      const bytes = bytesOf(3)
      // The chunk of index 2 was sent as well, though it never arrived.
      interrupt(rfx, 2)
      await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
      const changed = bytes.slice()
      changed[index * FILE_CHUNK_BYTE_LENGTH] = (changed[index * FILE_CHUNK_BYTE_LENGTH] ?? 0) ^ 1
      rfx.log.length = 0
      const before = [...rfx.blobs.keys()]
      await expect(content.addDocument(fileOf(changed))).rejects.toMatchObject({ code: 'file_changed' })
      expect(sentOf(rfx)).toBe(0)
      expect(await device.storage.list('rfx_upload')).toEqual([])
      await content.addDocument(fileOf(changed))
      expect([...rfx.blobs.keys()]).not.toEqual(before)
      expect(rfx.blobs.size).toBe(2)
      expect(await bytesRead(content)).toEqual([changed])
    },
  )

  it.each([
    ['shorter', -1],
    ['longer', 1],
  ])('of a file that has become %s since it was chosen begins anew', async (_, difference) => {
    const { rfx, content, device } = await createProject()
    const bytes = bytesOf(2)
    interrupt(rfx, 1)
    await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
    const whole = new Blob([bytes, new Uint8Array(1)]).slice(0, bytes.byteLength + difference)
    const { name, type, size } = fileOf(bytes)
    const lying: OutgoingFile = { name, type, size, lastModified, stream: () => whole.stream() }
    await expect(content.addDocument(lying)).rejects.toMatchObject({ code: 'file_changed' })
    expect(await device.storage.list('rfx_upload')).toEqual([])
    expect(rfx.entries).toHaveLength(1)
  })

  it('of a file the browser cannot read any more begins anew', async () => {
    const { content, device } = await createProject()
    const stream = () =>
      new ReadableStream({ pull: () => Promise.reject(new DOMException('gone', 'NotReadableError')) })
    const file = { name: 'borte.bin', type: '', size: 10, lastModified, stream }
    await expect(content.addDocument(file)).rejects.toMatchObject({ code: 'file_changed' })
    expect(await device.storage.list('rfx_upload')).toEqual([])
  })

  it('records what it sends before it sends it', async () => {
    const { rfx, content, device } = await createProject()
    const recorded: number[] = []
    for (let index = 0; index < 3; index++) {
      rfx.intercept('putBlobChunk', async () => {
        const [, digests = ''] = await device.storage.list('rfx_upload')
        recorded.push(Math.floor((String(await device.storage.get(digests)).length * 3) / 4 / 32) - index)
        return undefined
      })
    }
    await content.addDocument(fileOf(bytesOf(2)))
    expect(recorded).toHaveLength(3)
    expect(Math.min(...recorded)).toBeGreaterThanOrEqual(1)
  })

  it.each(['digests', 'record'])('whose %s this browser has lost begins anew under another key', async (lost) => {
    const { rfx, content, device } = await createProject()
    const bytes = bytesOf(2)
    interrupt(rfx, 1)
    await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
    const [record = '', digests = ''] = await device.storage.list('rfx_upload')
    await device.storage.delete(lost === 'record' ? record : digests)
    await content.addDocument(fileOf(bytes))
    expect(rfx.blobs.size).toBe(2)
    expect(await bytesRead(content)).toEqual([bytes])
    expect(await device.storage.list('rfx_upload')).toEqual([])
  })

  it('whose record does not open begins anew under another key', async () => {
    const { rfx, content, device } = await createProject()
    const bytes = bytesOf(1)
    interrupt(rfx, 1)
    await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
    const [name = ''] = await device.storage.list('rfx_upload')
    const record = (await device.storage.get(name)) as { sealed: string }
    await device.storage.put(name, { ...record, sealed: record.sealed.replace(/^(.{60})./, '$1_') })
    await content.addDocument(fileOf(bytes))
    expect(rfx.blobs.size).toBe(2)
    expect(await bytesRead(content)).toEqual([bytes])
  })

  it('that is older than a day begins anew, and nothing of it is kept', async () => {
    const { rfx, content, device } = await createProject()
    interrupt(rfx, 1)
    await expect(content.addDocument(fileOf(bytesOf(1)))).rejects.toMatchObject({ code: 'network_unreachable' })
    device.clock.aheadMilliseconds = day + 1
    await content.addDocument(fileOf(randomBytes(10), 'annet.bin'))
    expect(await device.storage.list('rfx_upload')).toEqual([])
  })

  it.each(['another name', 'another time', 'another project', 'another document', 'another person'])(
    'is not that of %s',
    async (other) => {
      const { rfx, device, content } = await createProject()
      const bytes = bytesOf(1)
      const { id } = await content.addDocument(fileOf(randomBytes(10)))
      interrupt(rfx, 1)
      await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
      const elsewhere = other === 'another project' ? createFakeRfx() : rfx
      const opened = await elsewhere.open(
        other === 'another person' ? { ...(await createDevice()), storage: device.storage } : device,
      )
      if (elsewhere !== rfx) await elsewhere.writeTitle(opened)
      elsewhere.log.length = 0
      const file = other === 'another name' ? fileOf(bytes, 'annet.bin') : fileOf(bytes)
      const later = { name: file.name, type: '', size: file.size, lastModified: 0, stream: () => file.stream() }
      const options = other === 'another document' ? { replaces: id } : {}
      await createRfxContent(opened).addDocument(other === 'another time' ? later : file, options)
      expect(sentOf(elsewhere)).toBe(2)
    },
  )

  it('of the same file given twice at once is two documents', async () => {
    const { rfx, content } = await createProject()
    const bytes = bytesOf(1)
    const added = await Promise.all([content.addDocument(fileOf(bytes)), content.addDocument(fileOf(bytes))])
    expect(new Set(added.map(({ id }) => id)).size).toBe(2)
    expect(rfx.blobs.size).toBe(2)
    expect(await bytesRead(content)).toEqual([bytes, bytes])
  })

  it('in two tabs at once sends each chunk under one key once', async () => {
    const { rfx, content, open } = await createProject()
    const bytes = bytesOf(2)
    interrupt(rfx, 1)
    await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
    const stored = new Map<string, string>()
    for (let index = 0; index < 20; index++) {
      rfx.intercept('putBlobChunk', ({ params, bytes: chunk }) => {
        const place = `${params.id}/${params.index}`
        const digest = Buffer.from(chunk).toString('base64')
        expect(stored.get(place) ?? digest).toBe(digest)
        stored.set(place, digest)
      })
    }
    const tabs = await Promise.all([open(), open()])
    await Promise.all(tabs.map((tab) => tab.addDocument(fileOf(bytes))))
    for (const read of await bytesRead(content)) expect(read).toEqual(bytes)
  })

  it('of which only the answer to its entry was lost is not written twice', async () => {
    const { rfx, content, device } = await createProject()
    const bytes = bytesOf(1)
    rfx.intercept('addRfxEntry', async (_, answer) => {
      await answer()
      throw rfx.refusal('network_unreachable')
    })
    await expect(content.addDocument(fileOf(bytes))).rejects.toMatchObject({ code: 'network_unreachable' })
    rfx.log.length = 0
    const added = await content.addDocument(fileOf(bytes))
    expect(added.revision).toBe(1)
    expect(sentOf(rfx)).toBe(0)
    expect(rfx.entries.map(({ kind }) => kind)).toEqual(['title', 'document'])
    expect(await device.storage.list('rfx_upload')).toEqual([])
    expect(await bytesRead(content)).toEqual([bytes])
  })

  it('holds no key and no salt in clear', async () => {
    const { rfx, content, device } = await createProject()
    interrupt(rfx, 1)
    await expect(content.addDocument(fileOf(bytesOf(1)))).rejects.toMatchObject({ code: 'network_unreachable' })
    const salt = rfx.blobs.values().next().value?.chunks.get(0)?.slice(20, 36) ?? new Uint8Array()
    const names = await device.storage.list('rfx_upload')
    const record = (await device.storage.get(names[0] ?? '')) as { sealed: string }
    expect(Object.keys(record).toSorted()).toEqual([
      'blobId',
      'byteLength',
      'groupId',
      'lastModified',
      'name',
      'object',
      'purpose',
      'rfxId',
      'sealed',
      'startedAt',
      'target',
      'version',
    ])
    expect(Buffer.from(record.sealed, 'base64url').includes(Buffer.from(salt))).toBe(false)
  })
})

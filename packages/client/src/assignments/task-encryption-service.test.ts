import type { Assignment } from '@nokkel/contract'
import { FILE_CHUNK_BYTE_LENGTH } from '@nokkel/crypto'
import { describe, expect, it } from 'vitest'
import { createFakeClient } from '../testing/fake-client.ts'
import { createFakeServer, type FakeServer } from '../testing/fake-server.ts'
import { Refusal } from '../testing/refusal.ts'
import type { AssignmentDraft, SendProgress } from './send-assignment.ts'
import type { OutgoingFile } from './upload-file.ts'

async function twoPeople() {
  const server = createFakeServer()
  const kari = createFakeClient(server)
  await kari.logIn()
  const ingrid = createFakeClient(server)
  await ingrid.logIn(server.coordinator)
  server.log.length = 0
  return { server, kari: kari.nokkel, karisStorage: kari.storage, ingrid: ingrid.nokkel }
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let start = 0; start < length; start += 65_536) crypto.getRandomValues(bytes.subarray(start, start + 65_536))
  return bytes
}

function fileOf(bytes: Uint8Array<ArrayBuffer>, name = 'vedlegg.bin'): File {
  return new File([bytes], name, { type: 'application/octet-stream' })
}

async function sendTo(
  server: FakeServer,
  sender: Awaited<ReturnType<typeof twoPeople>>['ingrid'],
  files: OutgoingFile[] = [],
) {
  return sender.assignments.send({ to: server.member.id, title: 'Besøk mandag', body: 'Klokken ti.', files })
}

/** Meets the next fetch of an assignment and changes what comes back. */
function alter(server: FakeServer, change: (assignment: Assignment) => Partial<Assignment>) {
  server.intercept('getAssignment', async (exchange) => {
    const assignment = (await (await server.respond(exchange)).json()) as Assignment
    return Response.json({ ...assignment, ...change(assignment) })
  })
}

describe('an assignment', () => {
  it('goes to the recipient, opens there, and in the copy of the sender', async () => {
    const { server, kari, ingrid } = await twoPeople()
    const summary = await sendTo(server, ingrid)
    expect(summary).toMatchObject({ revision: 1, fileCount: 0, sender: { id: server.coordinator.id } })
    const [received] = (await kari.assignments.inbox()).items
    const opened = await received?.open()
    expect(opened).toMatchObject({ id: summary.id, title: 'Besøk mandag', body: 'Klokken ti.', revision: 1 })
    expect(opened?.signer).toMatchObject({ name: 'Ingrid Solberg', verified: 'verified', firstSeen: true })
    expect(opened?.signer.fingerprint).toMatch(/^(\d{5} ){5}\d{5}$/)
    expect((await kari.assignments.open(summary.id)).signer.firstSeen).toBe(false)
    server.log.length = 0
    const [sent] = (await ingrid.assignments.sent()).items
    expect((await sent?.open())?.title).toBe('Besøk mandag')
    expect(server.log).not.toContain('markAssignmentOpened')
  })

  it('is nowhere in what the server holds', async () => {
    const { server, ingrid } = await twoPeople()
    const file = new TextEncoder().encode('planted in a file')
    await sendTo(server, ingrid, [fileOf(file, 'planted-name.txt')])
    const held = [JSON.stringify(server.assignments)]
    const chunks = [...server.blobs.values()].flatMap(({ chunks }) => [...chunks.values()])
    held.push(...chunks.map((bytes) => new TextDecoder('latin1').decode(bytes)))
    for (const part of server.assignments[0]?.statement.split('.') ?? [])
      held.push(atob(part.replace(/-/g, '+').replace(/_/g, '/')))
    expect(held.join()).toContain(server.assignments[0]?.id)
    expect(held.join()).not.toMatch(/Besøk|Klokken|planted/)
  })

  it('remembers each signer, however many are opened at once', async () => {
    const { server, kari, ingrid } = await twoPeople()
    const ids = [(await sendTo(server, ingrid)).id, (await sendTo(server, ingrid)).id]
    ids.push((await kari.assignments.send({ to: server.coordinator.id, title: '', body: '' })).id)
    const opened = await Promise.all(ids.map((id) => kari.assignments.open(id)))
    expect(opened.filter(({ signer }) => signer.firstSeen)).toHaveLength(2)
    const again = await Promise.all(ids.map((id) => kari.assignments.open(id)))
    expect(again.filter(({ signer }) => signer.firstSeen)).toEqual([])
  })

  it('can be looked at, which makes no signer known and tells nobody', async () => {
    const { server, kari, karisStorage, ingrid } = await twoPeople()
    await sendTo(server, ingrid)
    const [item] = (await kari.assignments.inbox()).items
    const look = () => item?.open({ peek: true })
    expect(await look()).toMatchObject({ title: 'Besøk mandag', signer: { firstSeen: true } })
    expect(await karisStorage.list('known_signer')).toEqual([])
    expect(server.log).not.toContain('markAssignmentOpened')
    expect((await item?.open())?.signer.firstSeen).toBe(true)
    expect((await look())?.signer.firstSeen).toBe(false)
  })

  it('says once that it was opened, and opens also when that cannot be said', async () => {
    const { server, kari, ingrid } = await twoPeople()
    const { id } = await sendTo(server, ingrid)
    server.intercept('markAssignmentOpened', () => new Refusal('server_failed', 500).toResponse())
    await expect(kari.assignments.open(id)).resolves.toMatchObject({ title: 'Besøk mandag' })
    expect(server.log.filter((endpoint) => endpoint === 'markAssignmentOpened')).toHaveLength(1)
  })

  it('shows that the device that signed has ended since', async () => {
    const { server, kari, ingrid } = await twoPeople()
    const { id } = await sendTo(server, ingrid)
    const device = server.devices.find(({ user }) => user === server.coordinator)
    if (device) server.endDevice(device, 'revoked')
    expect((await kari.assignments.open(id)).signer.verified).toBe('ended_device')
  })
})

describe('files', () => {
  it.each([0, 1, FILE_CHUNK_BYTE_LENGTH, FILE_CHUNK_BYTE_LENGTH + 1, 3 * FILE_CHUNK_BYTE_LENGTH])(
    'of %i bytes come back as they were',
    async (length) => {
      const { server, kari, ingrid } = await twoPeople()
      const bytes = randomBytes(length)
      const { id } = await sendTo(server, ingrid, [fileOf(bytes)])
      const [file] = (await kari.assignments.open(id)).files
      expect(file).toMatchObject({ name: 'vedlegg.bin', type: 'application/octet-stream', byteLength: length })
      const seen: number[] = []
      const blob = await file?.blob({ onProgress: (done, total) => seen.push(done / total) })
      expect(new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(1))).toEqual(bytes)
      if (length > 0) expect(seen.at(-1)).toBe(1)
    },
  )

  it('tell how far they have come, up to the whole', async () => {
    const { server, ingrid } = await twoPeople()
    const progress: SendProgress[] = []
    const files = [fileOf(randomBytes(FILE_CHUNK_BYTE_LENGTH + 5)), fileOf(randomBytes(7))]
    const total = FILE_CHUNK_BYTE_LENGTH + 12
    await ingrid.assignments.send({
      to: server.member.id,
      title: '',
      body: '',
      files,
      onProgress: (p) => progress.push(p),
    })
    expect(progress[0]).toEqual({ phase: 'encrypting', bytes: 0, total })
    expect(progress.at(-1)).toEqual({ phase: 'sending', bytes: total, total })
    const bytes = progress.map((report) => report.bytes)
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b))
  })

  it('are read no further than what is sent', async () => {
    const { server, ingrid } = await twoPeople()
    const chunk = randomBytes(FILE_CHUNK_BYTE_LENGTH)
    const count = 24
    let read = 0
    let stored = 0
    let ahead = 0
    const pull = (controller: ReadableStreamDefaultController) => {
      controller.enqueue(chunk)
      ahead = Math.max(ahead, ++read - stored)
      if (read === count) controller.close()
    }
    const stream = () => new ReadableStream({ pull }, { highWaterMark: 0 })
    for (let index = 0; index < count; index++) {
      server.intercept('putBlobChunk', async () => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        stored++
        return undefined
      })
    }
    await sendTo(server, ingrid, [{ name: 'x', type: '', size: count * FILE_CHUNK_BYTE_LENGTH, stream }])
    expect(stored).toBe(count)
    expect(ahead).toBeLessThanOrEqual(10)
  })

  it('that never end are not read on', async () => {
    const { server, ingrid } = await twoPeople()
    let read = 0
    const pull = (controller: ReadableStreamDefaultController) => controller.enqueue(new Uint8Array(10 + read++))
    const file = { name: 'x', type: '', size: 10, stream: () => new ReadableStream({ pull }) }
    await expect(sendTo(server, ingrid, [file])).rejects.toMatchObject({ code: 'file_changed' })
    expect(read).toBeLessThan(10)
  })

  it.each([
    ['grew', 5],
    ['shrank', 15],
  ])('that %s since they were picked are not sent', async (_, size) => {
    const { server, ingrid } = await twoPeople()
    const file = { name: 'x', type: '', size, stream: () => fileOf(randomBytes(10)).stream() }
    await expect(sendTo(server, ingrid, [file])).rejects.toMatchObject({ code: 'file_changed' })
    expect(server.assignments).toEqual([])
  })

  it.each([
    ['a flipped bit', (bytes: Uint8Array[]) => bytes[1]?.set([(bytes[1][9] ?? 0) ^ 1], 9)],
    ['two chunks in each other’s place', (bytes: Uint8Array[]) => bytes.splice(1, 2, ...bytes.slice(1, 3).reverse())],
    ['the last chunk gone', (bytes: Uint8Array[]) => bytes.pop()],
    ['the last chunk cut short', (bytes: Uint8Array[]) => bytes.push(bytes.pop()?.subarray(1) ?? new Uint8Array())],
  ])('with %s release nothing past the fault', async (_, damage) => {
    const { server, kari, ingrid } = await twoPeople()
    const plain = randomBytes(3 * FILE_CHUNK_BYTE_LENGTH + 100)
    const { id } = await sendTo(server, ingrid, [fileOf(plain)])
    const [blob] = [...server.blobs.values()]
    const stored = [...(blob?.chunks ?? [])].sort(([a], [b]) => a - b).map(([, bytes]) => bytes)
    damage(stored)
    blob?.chunks.clear()
    for (const [index, bytes] of stored.entries()) blob?.chunks.set(index, bytes)
    const [file] = (await kari.assignments.open(id)).files
    await expect(file?.blob()).rejects.toMatchObject({ code: 'file_damaged' })
    const reader = file?.stream().getReader()
    let released = 0
    const reading = async () => {
      for (let next = await reader?.read(); next?.value; next = await reader?.read()) {
        expect(next.value).toEqual(plain.slice(released, released + next.value.byteLength))
        released += next.value.byteLength
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'file_damaged' })
    expect(released).toBeLessThan(plain.byteLength)
  })
})

describe('sending', () => {
  it('goes on where it stopped when the same draft is handed in again', async () => {
    const { server, ingrid } = await twoPeople()
    const files = [fileOf(randomBytes(10)), fileOf(randomBytes(20))]
    const draft: AssignmentDraft = { to: server.member.id, title: '', body: '', files }
    server.intercept('sendAssignment', () => new Refusal('server_failed', 500).toResponse())
    await expect(ingrid.assignments.send(draft)).rejects.toMatchObject({ code: 'server_failed' })
    server.log.length = 0
    await ingrid.assignments.send(draft)
    expect(server.log).not.toContain('putBlobChunk')
    expect(server.blobs.size).toBe(2)
    expect(server.assignments).toHaveLength(1)
  })

  it('is not done twice when the answer is lost', async () => {
    const { server, ingrid } = await twoPeople()
    server.intercept('sendAssignment', async (exchange) => {
      await server.respond(exchange)
      throw new TypeError('connection reset')
    })
    await sendTo(server, ingrid)
    expect(server.log.filter((endpoint) => endpoint === 'sendAssignment')).toHaveLength(2)
    expect(server.assignments).toHaveLength(1)
  })

  it('seals anew when the devices of a recipient have changed in between', async () => {
    const { server, ingrid } = await twoPeople()
    server.intercept('sendAssignment', () => new Refusal('recipients_changed', 409).toResponse())
    await sendTo(server, ingrid)
    expect(server.log.filter((endpoint) => endpoint === 'getMembersById')).toHaveLength(3)
    expect(server.assignments).toHaveLength(1)
  })

  it('gives up when they keep changing', async () => {
    const { server, ingrid } = await twoPeople()
    for (let attempt = 0; attempt < 3; attempt++) {
      server.intercept('sendAssignment', () => new Refusal('recipients_changed', 409).toResponse())
    }
    await expect(sendTo(server, ingrid)).rejects.toMatchObject({ code: 'recipients_changed' })
  })

  it('names those who have no device, before a byte of a file is read', async () => {
    const { server, ingrid } = await twoPeople()
    for (const device of server.devices) if (device.user === server.member) server.endDevice(device, 'revoked')
    const unknown = crypto.randomUUID()
    const to = [server.member.id, unknown]
    await expect(
      ingrid.assignments.send({ to, title: '', body: '', files: [fileOf(randomBytes(5))] }),
    ).rejects.toMatchObject({ code: 'recipient_without_device', data: { userIds: to } })
    expect(server.log).toEqual(['getMembersById'])
  })

  it('can be cancelled', async () => {
    const { server, ingrid } = await twoPeople()
    const controller = new AbortController()
    server.intercept('putBlobChunk', () => {
      controller.abort()
      return new Promise(() => {})
    })
    const files = [fileOf(randomBytes(5))]
    const sending = ingrid.assignments.send({
      to: server.member.id,
      title: '',
      body: '',
      files,
      signal: controller.signal,
    })
    await expect(sending).rejects.toMatchObject({ code: 'cancelled' })
    expect(server.assignments).toEqual([])
  })

  it('does not seal to a key of the directory that is none', async () => {
    const { server, ingrid } = await twoPeople()
    const [kari] = server.devices
    if (kari) Object.assign(kari, { encryptionKey: { ...kari.encryptionKey, y: kari.encryptionKey.x } })
    await expect(sendTo(server, ingrid)).rejects.toMatchObject({ code: 'answer_unexpected' })
    expect(server.assignments).toEqual([])
  })

  it('seals the own copy to the key in storage, whatever the directory says', async () => {
    const { server, ingrid } = await twoPeople()
    const [kari, own] = server.devices
    if (own && kari) Object.assign(own, { encryptionKey: kari.encryptionKey })
    const { id } = await sendTo(server, ingrid)
    await expect(ingrid.assignments.open(id)).resolves.toMatchObject({ title: 'Besøk mandag' })
  })
})

describe('opening refuses', () => {
  it('what has no key for this device', async () => {
    const { server, kari, ingrid } = await twoPeople()
    const { id } = await sendTo(server, ingrid)
    alter(server, () => ({ key: null }))
    await expect(kari.assignments.open(id)).rejects.toMatchObject({ code: 'not_readable' })
  })

  it('another assignment than the one asked for', async () => {
    const { server, kari, ingrid } = await twoPeople()
    const { id } = await sendTo(server, ingrid)
    const other = await sendTo(server, ingrid)
    server.intercept('getAssignment', (exchange) => server.respond({ ...exchange, params: { id: other.id } }))
    await expect(kari.assignments.open(id)).rejects.toMatchObject({ code: 'not_readable' })
  })

  it.each([
    ['another sender', (a: Assignment) => ({ sender: { ...a.sender, id: crypto.randomUUID() } })],
    ['an altered content', (a: Assignment) => ({ content: `${a.content.slice(0, -4)}AAAA` })],
    [
      'a signer listed under another thumbprint',
      (a: Assignment) => ({ signer: { ...a.signer, thumbprint: 'A'.repeat(43) } }),
    ],
    ['a signer listed as somebody else', (a: Assignment) => ({ signer: { ...a.signer, userId: crypto.randomUUID() } })],
    [
      'a signer listed as another device',
      (a: Assignment) => ({ signer: { ...a.signer, deviceId: crypto.randomUUID() } }),
    ],
    ['a signer valid only later', (a: Assignment) => ({ signer: { ...a.signer, validFrom: '2999-01-01T00:00:00Z' } })],
    [
      'a signer that had ended before',
      (a: Assignment) => ({ signer: { ...a.signer, validUntil: '2000-01-01T00:00:00Z' } }),
    ],
  ])('%s as untrusted', async (_, change) => {
    const { server, kari, karisStorage, ingrid } = await twoPeople()
    const { id } = await sendTo(server, ingrid)
    alter(server, change)
    await expect(kari.assignments.open(id)).rejects.toMatchObject({ code: 'signature_untrusted' })
    expect(server.log).not.toContain('markAssignmentOpened')
    expect(await karisStorage.list('known_signer_v1.')).toEqual([])
  })

  it('a wrapped key that is not its own', async () => {
    const { server, kari, ingrid } = await twoPeople()
    const { id } = await sendTo(server, ingrid)
    const others = server.assignments[0]?.keys.find(({ userId }) => userId === server.coordinator.id)
    alter(server, ({ key }) => ({ key: key && others ? { ...key, wrappedKey: others.wrappedKey } : null }))
    await expect(kari.assignments.open(id)).rejects.toMatchObject({ code: 'signature_untrusted' })
  })
})

describe('resend', () => {
  async function replacedDevice() {
    const people = await twoPeople()
    const { server, ingrid } = people
    const { id } = await sendTo(server, ingrid, [fileOf(randomBytes(10))])
    const next = createFakeClient(server)
    await next.logIn()
    await next.nokkel.keys.confirmReplace()
    return { ...people, id, next: next.nokkel }
  }

  it('makes it readable on the new device, content and files unchanged', async () => {
    const { server, ingrid, id, next } = await replacedDevice()
    await expect(next.assignments.open(id)).rejects.toMatchObject({ code: 'not_readable' })
    const content = server.assignments[0]?.content
    await expect(ingrid.assignments.resend(id)).resolves.toMatchObject({ revision: 2 })
    const opened = await next.assignments.open(id)
    expect(opened).toMatchObject({ title: 'Besøk mandag', revision: 2 })
    expect((await opened.files[0]?.blob())?.size).toBe(10)
    expect(server.assignments[0]?.content).toBe(content)
    expect(server.log.filter((endpoint) => endpoint === 'putBlobChunk')).toHaveLength(1)
  })

  it('tries again after another revision came first', async () => {
    const { server, ingrid, id } = await replacedDevice()
    server.intercept('readdressAssignment', () => new Refusal('revision_stale', 409).toResponse())
    await expect(ingrid.assignments.resend(id)).resolves.toMatchObject({ revision: 2 })
  })

  it('explains when the own copy cannot be opened here', async () => {
    const { server, ingrid, id } = await replacedDevice()
    alter(server, () => ({ key: null }))
    await expect(ingrid.assignments.resend(id)).rejects.toMatchObject({ code: 'own_copy_unreadable' })
  })

  it('signs nothing for another assignment than the one asked for', async () => {
    const { server, ingrid, id } = await replacedDevice()
    const other = await sendTo(server, ingrid).catch(() => undefined)
    server.intercept('getAssignment', (exchange) => server.respond({ ...exchange, params: { id: other?.id ?? '' } }))
    await expect(ingrid.assignments.resend(id)).rejects.toMatchObject({ code: 'signature_untrusted' })
  })

  it('is for the sender alone', async () => {
    const { next, id } = await replacedDevice()
    await expect(next.assignments.resend(id)).rejects.toMatchObject({ code: 'own_copy_unreadable' })
  })

  it('signs nothing that another key has signed in the name of the sender', async () => {
    const { server, kari, ingrid } = await twoPeople()
    await sendTo(server, ingrid)
    const forged = await kari.assignments.send({ to: server.coordinator.id, title: 'Not mine', body: '' })
    const assignment = server.assignments.find(({ id }) => id === forged.id)
    const key = assignment?.keys.find(({ userId }) => userId === server.coordinator.id) ?? null
    alter(server, () => ({
      sender: { id: server.coordinator.id, name: 'Ingrid Solberg' },
      content: assignment?.content ?? '',
      statement: assignment?.statement ?? '',
      deliveries: [
        { userId: server.member.id, name: '', state: 'sent', fetchedAt: null, openedAt: null, hasActiveDevice: true },
      ],
      key,
    }))
    await expect(ingrid.assignments.resend(forged.id)).rejects.toMatchObject({ code: 'signature_untrusted' })
    expect(server.log).not.toContain('readdressAssignment')
  })

  it('says who has no device to send to', async () => {
    const { server, ingrid, id } = await replacedDevice()
    for (const device of server.devices) if (device.user === server.member) server.endDevice(device, 'revoked')
    await expect(ingrid.assignments.resend(id)).rejects.toMatchObject({
      code: 'recipient_without_device',
      data: { userIds: [server.member.id] },
    })
  })
})

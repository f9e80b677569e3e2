import { availableParallelism } from 'node:os'
import { createNokkel } from '@nokkel/client/node'
import * as contract from '@nokkel/contract'
import {
  calculateThumbprint,
  decodeBase64,
  digestOfJws,
  encodeRfxDocument,
  exportPublicJwk,
  FILE_CHUNK_BYTE_LENGTH,
  generateContentKey,
  generateRfxKey,
  importPublicKey,
  sealedByteLength,
  sealRfxEntry,
} from '@nokkel/crypto'
import { signIn } from '@nokkel/sandbox'
import { createMutex } from '../../packages/client/src/lock/lock.ts'
import { directKeyWrapper } from '../../packages/client/src/rfx/key-wrapper.ts'
import { memoryStorage } from '../../packages/client/src/storage/memory-storage.ts'
import { fixedKeyGenerator } from '../../packages/client/src/testing/fixed-key-generator.ts'
import { openGroup, signWraps, type WrapTarget } from '../../tools/testing/rfx/keys.ts'
import { answerOf, type RfxApi, type RfxPerson, signerOf } from '../../tools/testing/rfx/person.ts'
import { createProject } from '../../tools/testing/rfx/projects.ts'
import type { RfxDocumentRow, RfxTask } from '../rfx-world.ts'

// One thing a client does with projects, alone in a process: `rfx-client.ts <URL> <task as JSON>`.

const [, , url = '', text = '{}'] = process.argv
const task = JSON.parse(text) as RfxTask
const { rfxId = '', companyId = '', count = 0 } = task
const rawMilliseconds = 2000

interface Spent {
  readonly path: string
  readonly milliseconds: number
  readonly endedAt: number
}

const spent: Spent[] = []
const timedFetch: typeof fetch = async (input, init) => {
  const started = performance.now()
  const response = await fetch(input, init)
  const path = new URL(String(input)).pathname
  spent.push({
    path: `${init?.method ?? 'GET'} ${path}`,
    milliseconds: performance.now() - started,
    endedAt: performance.now(),
  })
  return response
}

const storage = memoryStorage()
const lock = createMutex()
const create = () => {
  const launched: URL[] = []
  const nokkel = createNokkel({
    url,
    organization: 'fjordhjelpen',
    fetch: timedFetch,
    storage,
    lock,
    keyGenerator: fixedKeyGenerator,
    deviceName: 'Bench',
    urlLauncher: { launch: (to) => void launched.push(to) },
  })
  return { nokkel, launched }
}

async function logIn() {
  const { nokkel, launched } = create()
  await nokkel.auth.signIn('vipps', { consent: { personnummer: true } })
  await nokkel.auth.completeSignIn(new URL(await signIn(launched[0] ?? '', { person: 'fjordhjelpen-koordinator' })))
  await nokkel.keys.settled()
  await nokkel.userKeys.settled()
  return nokkel
}

/** The same person, as somebody who calls the API without the client. */
async function plainPerson(): Promise<{ readonly api: RfxApi; readonly person: RfxPerson }> {
  const { me } = nokkel.auth.getSnapshot()
  if (!me) throw new Error('Nobody is logged in.')
  const device = (await storage.get(`device_v1.${me.id}`)) as { keys: { signing: CryptoKeyPair }; deviceId: string }
  const token = await nokkel.auth.accessToken()
  const api: RfxApi = {
    async call(operation, _claims, { params = {}, query = {}, body, bytes } = {}) {
      const path = String(operation.path).replace(/\{(\w+)\}/g, (_, name: string) => String(params[name]))
      const response = await fetch(`${url}${path}?${new URLSearchParams(query)}`, {
        method: operation.method.toUpperCase(),
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': bytes ? 'application/octet-stream' : 'application/json',
        },
        body: bytes ?? (body === undefined ? null : JSON.stringify(body)),
      })
      const { status } = response
      const isBytes = response.headers.get('content-type') === 'application/octet-stream'
      const answer = isBytes ? new Uint8Array(await response.arrayBuffer()) : await response.text()
      if (typeof answer !== 'string' || answer === '') return { status, body: answer }
      const value = JSON.parse(answer)
      return response.ok ? { status, body: value } : { status, code: value.code, data: value.data, body: undefined }
    },
  }
  const managed = { privateKey: await nokkel.userKeys.privateKey() } as RfxPerson['managed']
  const claims = { organization: me.organization.id } as RfxPerson['claims']
  return { api, person: { id: me.id, claims, deviceId: device.deviceId, signing: device.keys.signing, managed } }
}

/** A draft whose key nobody but its maker has; the client, which would hand it over unasked, is closed first. */
async function createQuietly() {
  const plain = await plainPerson()
  nokkel.close()
  return { ...plain, rfxId: await createProject(plain.api, plain.person, companyId) }
}

async function timed<T>(step: () => Promise<T>): Promise<{ readonly milliseconds: number; readonly result: T }> {
  const started = performance.now()
  const result = await step()
  return { milliseconds: performance.now() - started, result }
}

async function missingOf({ api, person, rfxId }: Awaited<ReturnType<typeof createQuietly>>): Promise<WrapTarget[]> {
  const targets: WrapTarget[] = []
  let cursor: string | undefined
  do {
    const query = { only: 'missing', ...(cursor && { cursor }) }
    const page = await answerOf(api, contract.listRfxRecipients, person, { params: { id: rfxId }, query })
    targets.push(...page.recipients.filter(({ key }: { key: unknown }) => key !== null))
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return targets
}

const ways: Record<string, () => Promise<unknown>> = {
  'log-in': async () => nokkel.userKeys.getSnapshot().status,

  create: async () => (await createQuietly()).rfxId,

  /** RSA-OAEP and nothing else, as many at once as keep every core busy; keys imported before. */
  async raw() {
    const targets = await missingOf(await createQuietly())
    const distinct = [...new Set(targets.map(({ key }) => key.publicKey))]
    const keys = await Promise.all(distinct.map(async (key) => (await importPublicKey(decodeBase64(key))).key))
    const rfxKey = generateRfxKey()
    const started = performance.now()
    let operations = 0
    const loop = async () => {
      while (performance.now() - started < rawMilliseconds) {
        const key = keys[operations++ % keys.length] as CryptoKey
        await crypto.subtle.encrypt('RSA-OAEP', key, rfxKey)
      }
    }
    await Promise.all(Array.from({ length: availableParallelism() * 8 }, loop))
    return { perSecond: (operations * 1000) / (performance.now() - started), distinct: distinct.length }
  },

  /** Importing, wrapping and the leaf, as the client does it. */
  async wrap() {
    const project = await createQuietly()
    const { rfxId } = project
    const targets = await missingOf(project)
    const recipients = targets.map(({ key, ...target }) => ({ ...target, ...key }))
    const session = directKeyWrapper.open({ key: generateRfxKey(), groupId: rfxId, version: 1 })
    const { milliseconds, result } = await timed(() => session.wrap(recipients))
    if (result.some((wrap) => wrap === null)) throw new Error('A wrap failed.')
    return { milliseconds, count: result.length, distinct: new Set(targets.map(({ key }) => key.publicKey)).size }
  },

  /** Batches that were made before are stored. */
  async store() {
    const project = await createQuietly()
    const { api, person, rfxId } = project
    const { group, key } = await openGroup(api, person, rfxId)
    const of = { organizationId: person.claims.organization, groupId: rfxId, kind: group.kind, version: 1, key }
    const targets = await missingOf(project)
    let revision = group.manifest.length
    let previous: Uint8Array | null = await digestOfJws(group.manifest.at(-1)?.statement ?? '')
    const bodies: Pick<Awaited<ReturnType<typeof signWraps>>, 'statement' | 'wraps'>[] = []
    for (let start = 0; start < targets.length; start += contract.MAXIMUM_WRAPS) {
      revision += 1
      const batch = targets.slice(start, start + contract.MAXIMUM_WRAPS)
      const { digest, ...body } = await signWraps(person, of, { revision, previous }, batch)
      bodies.push(body)
      previous = digest
    }
    const { milliseconds } = await timed(async () => {
      for (const body of bodies) await answerOf(api, contract.addRfxWraps, person, { params: { id: rfxId }, body })
    })
    return { milliseconds, count: targets.length, rfxId }
  },

  /** All of it: from asking for the recipients until the last batch is stored, whoever in the client began it. */
  async distribute() {
    const { rfxId } = await createQuietly()
    const { nokkel: client } = create()
    await client.start()
    await client.keys.settled()
    await client.userKeys.settled()
    const project = client.rfx.get(rfxId)
    await project.open()
    await project.distribute()
    const recipients = await project.recipients()
    if (recipients.some(({ state }) => state === 'missing')) throw new Error('Somebody did not get the key.')
    const ended = spent.filter(({ path }) => path === `POST /nokkel/rfx/groups/${rfxId}/wraps`)
    const begun = spent.filter(({ path }) => path === `GET /nokkel/rfx/groups/${rfxId}/recipients`)
    const from = Math.min(...begun.map(({ endedAt, milliseconds }) => endedAt - milliseconds))
    const milliseconds = Math.max(...ended.map(({ endedAt }) => endedAt)) - from
    return { milliseconds, count: recipients.filter(({ state }) => state === 'wrapped').length - 1 }
  },

  /** The first project after the page was loaded, then others. */
  async open() {
    const ids = (await nokkel.rfx.list()).slice(0, count).map(({ id }) => id)
    nokkel.close()
    const cold: number[] = []
    const warm: number[] = []
    for (const id of ids) {
      const { nokkel: page } = create()
      await page.start()
      await page.keys.settled()
      await page.userKeys.settled()
      const { milliseconds } = await timed(() => page.rfx.get(id).open())
      if (page.rfx.get(id).getSnapshot().state !== 'ready') throw new Error('It did not open.')
      cold.push(milliseconds)
      for (const other of ids.filter((each) => each !== id).slice(0, 3)) {
        warm.push((await timed(() => page.rfx.get(other).open())).milliseconds)
        if (page.rfx.get(other).getSnapshot().details?.title === null) throw new Error('It has no title.')
      }
      page.close()
    }
    return { cold, warm }
  },

  /** Entries as a device of the person signed them, for rows: one writer, no requests. */
  async documents() {
    const { api, person } = await plainPerson()
    const { key } = await openGroup(api, person, rfxId)
    const { entries } = await answerOf(api, contract.listRfxEntries, person, { params: { id: rfxId } })
    let previous = await digestOfJws(entries[0].statement)
    const author = signerOf(person)
    const thumbprint = await calculateThumbprint(await exportPublicJwk(person.signing.publicKey))
    const fileOf = (blobId: string) => {
      const key = generateContentKey()
      return { blobId, name: 'tegning.pdf', type: 'application/pdf', byteLength: 1, key, digests: new Uint8Array(32) }
    }
    const rows: RfxDocumentRow[] = []
    for (let sequence = entries.length + 1; sequence <= entries.length + count; sequence++) {
      const object = crypto.randomUUID()
      const sealed = await sealRfxEntry({
        organizationId: person.claims.organization,
        rfxId,
        sequence,
        kind: 'document',
        object,
        revision: 1,
        previous,
        current: { title: 1, specification: 0 },
        plaintext: encodeRfxDocument({ file: fileOf(crypto.randomUUID()) }),
        key,
        version: 1,
        author,
      })
      previous = sealed.digest
      const { wrappedKey, content, statement, digest } = sealed
      if (!wrappedKey || !content) throw new Error('unreachable')
      const bytes = [wrappedKey, content, digest].map((each) => Buffer.from(each).toString('hex'))
      rows.push({ sequence, object, wrappedKey: bytes[0], content: bytes[1], digest: bytes[2], statement })
    }
    return { rows, authorId: author.userId, thumbprint }
  },

  /** Somebody is excluded: a new key for everyone else, then all content keys move. */
  async rekey() {
    const project = nokkel.rfx.get(rfxId)
    await project.open()
    const [removed] = (await project.recipients()).filter(({ ownerId }) => ownerId !== nokkel.auth.getSnapshot().me?.id)
    spent.length = 0
    const started = performance.now()
    await project.exclude(removed?.ownerId ?? '')
    const whole = performance.now() - started
    const moving = await timed(() => project.settle())
    const of = (pattern: RegExp) => spent.filter(({ path }) => pattern.test(path))
    const sum = (of: readonly Spent[]) => of.reduce((total, { milliseconds }) => total + milliseconds, 0)
    const stored = of(/^POST .*\/versions\/[^/]+\/wraps$/)
    const activated = of(/\/activate$/)
    const moves = of(/^POST .*\/content-keys$/)
    const lastMove = Math.max(...moves.map(({ endedAt }) => endedAt))
    const activatedAt = Math.max(...activated.map(({ endedAt }) => endedAt))
    const recipients = await project.recipients()
    return {
      removed: sum(of(/^PUT .*\/excluded\//)),
      wraps:
        Math.max(...stored.map(({ endedAt }) => endedAt)) -
        Math.min(...of(/\/versions$/).map(({ endedAt }) => endedAt)),
      activation: sum(activated),
      untilNewKey: activatedAt - started,
      whole,
      moving: lastMove - activatedAt,
      settled: moving.milliseconds,
      batches: moves.length,
      members: recipients.filter(({ state }) => state === 'wrapped').length,
    }
  },

  /** A file of so many bytes up and down, beside the same chunks without a key. */
  async file() {
    const project = nokkel.rfx.get(rfxId)
    const stream = () => bytesOf(count)
    const up = await timed(() => project.addDocument({ name: 'stor.bin', type: '', size: count, stream }))
    const down = await timed(async () => {
      let bytes = 0
      for await (const piece of up.result.file?.stream() ?? []) bytes += piece.byteLength
      if (bytes !== count) throw new Error('It has another length.')
    })
    return { up: up.milliseconds, down: down.milliseconds, peakBytes: process.resourceUsage().maxRSS * 1024 }
  },
  async 'file raw'() {
    const { api, person } = await plainPerson()
    const id = crypto.randomUUID()
    const chunkCount = Math.max(1, Math.ceil(count / FILE_CHUNK_BYTE_LENGTH))
    const byteLength = sealedByteLength(count)
    const chunk = new Uint8Array(contract.MAXIMUM_CHUNK_BYTES)
    const lengthOf = (index: number) => {
      const plain = Math.min(FILE_CHUNK_BYTE_LENGTH, count - index * FILE_CHUNK_BYTE_LENGTH)
      return index === 0 ? sealedByteLength(plain) : plain + sealedByteLength(0) - 36
    }
    await answerOf(api, contract.createBlob, person, { body: { id, byteLength, chunkCount } })
    const up = await timed(async () => {
      for (let index = 0; index < chunkCount; index++) {
        const bytes = chunk.subarray(0, lengthOf(index))
        await answerOf(api, contract.putBlobChunk, person, { params: { id, index }, bytes })
      }
    })
    const down = await timed(async () => {
      for (let index = 0; index < chunkCount; index++) {
        await answerOf(api, contract.getBlobChunk, person, { params: { id, index } })
      }
    })
    return { up: up.milliseconds, down: down.milliseconds, peakBytes: process.resourceUsage().maxRSS * 1024 }
  },
}

function bytesOf(byteLength: number): ReadableStream<Uint8Array> {
  const piece = crypto.getRandomValues(new Uint8Array(65_536))
  let left = byteLength
  return new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(piece.slice(0, Math.min(left, piece.byteLength)))
        left -= Math.min(left, piece.byteLength)
        if (left === 0) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

const nokkel = await logIn()
const measured = await ways[task.way]?.()
process.send?.(measured, () => process.exit())

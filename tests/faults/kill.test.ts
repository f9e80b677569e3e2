import { randomBytes } from 'node:crypto'
import type { AssignmentDraft, Nokkel } from '@nokkel/client'
import { createDpopProof } from '@nokkel/crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { type FragileServer, startFragileServer } from './testing/fragile-server.ts'
import { createKillPlan, type KillPlan } from './testing/kill-plan.ts'
import { type OutlivingDatabase, prepareDatabase } from './testing/outliving-database.ts'
import { killHeader } from './testing/server-plan.ts'
import { arrive, fileOf, logIn, type Visitor } from './testing/visitor.ts'

const content = new Uint8Array(randomBytes(1_048_600))

// An embedded database takes a second to come back, so there a transaction is cut only where that can make a difference.
const points = {
  pglite: ['commit', 'committed', 'reply'],
  postgres: ['begin', 'inside', 'commit', 'committed', 'reply'],
} as const

describe.each(databaseEngines)('a server that is killed [%s]', (engine) => {
  let prepared: OutlivingDatabase
  let server: FragileServer
  let coordinator: Visitor
  let member: Visitor
  let plan: KillPlan
  const sent: AssignmentDraft[] = []

  beforeAll(async () => {
    prepared = await prepareDatabase(engine)
    server = await startFragileServer(prepared.database, points[engine])
    plan = createKillPlan()
    coordinator = await arrive({ url: server.url, person: 'likeperson-koordinator', fetch: plan.fetch })
    member = await arrive({ url: server.url, person: 'likeperson-medlem-1' })
  })

  afterAll(async () => {
    await server?.close()
    await prepared?.remove()
  })

  /** Everything a member can see is whole, and belongs to something that was being sent. */
  async function expectNothingHalf(underWay: AssignmentDraft): Promise<number> {
    const { items } = await member.nokkel.assignments.inbox()
    const titles = items.length > sent.length ? [...sent, underWay] : sent
    expect(items).toHaveLength(titles.length)
    const [newest] = items
    if (items.length > sent.length && newest) await expectWhole(newest, underWay)
    return items.length
  }

  async function expectWhole(
    item: Awaited<ReturnType<Nokkel['assignments']['inbox']>>['items'][number],
    { title, body }: AssignmentDraft,
  ): Promise<void> {
    const opened = await item.open()
    expect(opened).toMatchObject({ title, body, files: [{ name: 'rapport.pdf', byteLength: content.byteLength }] })
    const bytes = await opened.files[0]?.blob()
    expect(Buffer.from((await bytes?.arrayBuffer()) ?? new ArrayBuffer()).equals(content)).toBe(true)
  }

  it.each([
    ['POST /nokkel/blobs', { pglite: 3, postgres: 9 }],
    ['PUT /nokkel/blobs/{id}/chunks/0', { pglite: 3, postgres: 7 }],
    ['PUT /nokkel/blobs/{id}/chunks/1', { pglite: 3, postgres: 7 }],
    ['POST /nokkel/assignments', { pglite: 3, postgres: 13 }],
  ])('%s: loses nothing acknowledged, shows nothing half sent', { timeout: 90_000 }, async (operation, atLeast) => {
    const recipient = (await coordinator.nokkel.members.list({ search: 'Kari Nordmann' })).items[0]?.id ?? ''
    const draft = { to: recipient, title: `Etter ${operation}`, body: 'Blåbærøya', files: [fileOf(content)] }
    const before = server.kills
    let point = 0
    for (let done = false; !done; point++) {
      plan.arm(operation, point)
      done = await coordinator.nokkel.assignments.send(draft).then(
        () => true,
        (error) => {
          expect(error).toMatchObject({ code: 'cancelled' })
          return false
        },
      )
      await server.up()
      expect(server.kills - before).toBe(done ? point : point + 1)
      const visible = await expectNothingHalf(draft)
      if (done) expect(visible).toBe(sent.length + 1)
    }
    plan.disarm()
    sent.push(draft)
    expect(point).toBeGreaterThan(atLeast[engine])
  })

  it('registering a device ends in one device', { timeout: 60_000 }, async () => {
    const before = server.kills
    for (let point = 0; ; point++) {
      const { fetch, arm, disarm } = createKillPlan()
      const kills = server.kills
      arm('POST /nokkel/devices', point)
      const person = 'fjordhjelpen-medlem-1'
      const { nokkel } = await logIn({ url: server.url, organization: 'fjordhjelpen', person, fetch })
      const { status } = await nokkel.keys.settled()
      await server.up()
      disarm()
      expect(status).toBe(server.kills > kills ? 'error' : 'ready')
      if (status === 'error') await nokkel.keys.retry()
      expect(await nokkel.keys.settled()).toMatchObject({ status: 'ready' })
      const active = (await nokkel.devices.list()).filter(({ state }) => state === 'active')
      expect(active).toHaveLength(point + 1)
      expect(active.filter(({ current }) => current)).toHaveLength(1)
      if (status === 'ready') break
    }
    expect(server.kills - before).toBeGreaterThanOrEqual(engine === 'pglite' ? 5 : 8)
  })

  it('a refresh whose answer was lost gives the same successor', { timeout: 60_000 }, async () => {
    const before = server.kills
    const { storage } = await arrive({ url: server.url, person: 'likeperson-medlem-2' })
    const session = (await storage.get('session_v1')) as { refreshToken: string; boundKey: string }
    const { keys } = (await storage.get(session.boundKey)) as { keys: { signing: CryptoKeyPair } }
    const url = `${server.url}/nokkel/session/refresh`
    const refresh = async (refreshToken: string, killAt?: number) => {
      const dpop = await createDpopProof({ signer: keys.signing, method: 'POST', url })
      const headers = { dpop, 'content-type': 'application/json' }
      const answer = await fetch(url, {
        method: 'POST',
        headers: killAt === undefined ? headers : { ...headers, [killHeader]: String(killAt) },
        body: JSON.stringify({ refreshToken }),
      })
      expect(answer.status).toBe(200)
      return ((await answer.json()) as { refreshToken: string }).refreshToken
    }

    let token = session.refreshToken
    for (let point = 0, killed = true; killed; point++) {
      const answered = await refresh(token, point).catch(() => undefined)
      killed = answered === undefined
      await server.up()
      const successor = await refresh(token)
      expect(await refresh(token)).toBe(successor)
      if (answered !== undefined) expect(successor).toBe(answered)
      token = successor
    }
    expect(server.kills - before).toBeGreaterThanOrEqual(3)
  })

  it('has left nothing behind', async () => {
    await server.close()
    const [counts] = await prepared.look((ask) =>
      ask(`select
        (select count(*)::int from public.assignment) as assignments,
        (select count(*)::int from public.assignment_recipient) as recipients,
        (select count(*)::int from public.assignment_key) as keys,
        (select count(*)::int from public.blob where assignment_id is not null) as files,
        (select count(*)::int from public.blob where assignment_id is null) as pending,
        (select count(*)::int from public.blob_chunk) as chunks,
        (select sum(length(bytes))::int from public.blob_chunk) as bytes,
        (select sum(byte_length)::int from public.blob) as announced,
        (select count(*)::int from public.signing_key k
          where not exists (select from public.device_key d where d.signing_thumbprint = k.thumbprint)) as strays`),
    )
    const { announced, ...rest } = counts as Record<string, number>
    const expected = { assignments: 4, recipients: 4, keys: 8, files: 4, pending: 0, chunks: 8, strays: 0 }
    expect(rest).toEqual({ ...expected, bytes: announced })
    console.log(`[${engine}] ${server.kills} kills`)
  })
})

import type { Operation, RfxBid, RfxEntry } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import {
  asRfxKey,
  type Bytes,
  calculateKeyCommitment,
  type DeviceKeys,
  decodeBase64,
  decodeBase64Url,
  decryptEnvelope,
  deriveOpeningKeyPair,
  encodeRfxComment,
  importEnvelopeKey,
  importPrivateKey,
  type ManagedKey,
  openPreviousKey,
  openRfxBid,
  openRfxEntry,
  parseRfxBidContent,
  parseRfxComment,
  unwrapKey,
} from '@nokkel/crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { databaseEngines } from '../../tools/testing/database.ts'
import { openOwnBid, submitBid } from '../../tools/testing/rfx/bids.ts'
import { moveContentKeys, writeEntry } from '../../tools/testing/rfx/content.ts'
import { distribute, openGroup, rekey } from '../../tools/testing/rfx/keys.ts'
import { answerOf, type RfxApi, type RfxPerson } from '../../tools/testing/rfx/person.ts'
import { createGroup, createProject, createProjectAt, makeProject } from '../../tools/testing/rfx/projects.ts'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'
import { type FragileServer, startFragileServer } from './testing/fragile-server.ts'
import { type OutlivingDatabase, prepareDatabase } from './testing/outliving-database.ts'
import type { Ask } from './testing/rows.ts'
import { killHeader } from './testing/server-plan.ts'
import { arrive, type Visitor } from './testing/visitor.ts'

const points = {
  pglite: ['commit', 'committed', 'reply'],
  postgres: ['begin', 'inside', 'commit', 'committed', 'reply'],
} as const

/** Where the server dies: which request of an operation, counted from 0, and at which of its points. */
interface Death {
  readonly operation: Operation
  readonly nth: number
  readonly point: number
}

/** By turns the same request is sent again, and whoever sent it begins anew. */
const isSentAgain = (point: number): boolean => point % 2 === 1

class Killed extends Error {
  override readonly name = 'Killed'
}

const company = { buyer: '5eed0000-0000-4000-8003-000000000004', supplier: '5eed0000-0000-4000-8003-000000000003' }

describe.each(databaseEngines)('projects when the server is killed [%s]', (engine) => {
  let prepared: OutlivingDatabase
  let server: FragileServer
  let silje: RfxPerson
  let kari: RfxPerson
  let ingrid: RfxPerson
  let bjorn: RfxPerson
  const visitors = new Map<string, Visitor>()
  const managed = new Map<string, ManagedKey>()
  let death: (Death & { seen: number }) | undefined
  let kills = 0

  const api: RfxApi = {
    async call(operation, claims, { params = {}, query = {}, body, bytes } = {}) {
      const path = String(operation.path).replace(/\{(\w+)\}/g, (_placeholder, name: string) => String(params[name]))
      const token = await visitors.get(claims?.sub ?? '')?.nokkel.auth.accessToken()
      const dies = death?.operation === operation && death.seen++ === death.nth
      const request = (killAt?: number) =>
        fetch(`${server.url}${path}?${new URLSearchParams(query)}`, {
          method: operation.method.toUpperCase(),
          headers: {
            authorization: `Bearer ${token}`,
            ...(body !== undefined && { 'content-type': 'application/json' }),
            ...(killAt !== undefined && { [killHeader]: String(killAt) }),
          },
          body: bytes ?? (body === undefined ? null : JSON.stringify(body)),
        })
      const response = await request(dies ? death?.point : undefined).catch(async (cause: unknown) => {
        if (!dies) throw cause
        await server.up()
        if (isSentAgain(death?.point ?? 0)) return request()
        throw new Killed('The server died.', { cause })
      })
      const text = await response.text()
      const answer = text === '' ? undefined : JSON.parse(text)
      if (!response.ok) return { status: response.status, code: answer.code, data: answer.data, body: undefined }
      return { status: response.status, body: answer }
    },
  }

  /** Does something during which the server dies, if it comes to that point, and then what goes on from there. */
  async function dies(at: Death, work: () => Promise<unknown>): Promise<boolean> {
    const before = server.kills
    death = { ...at, seen: 0 }
    const survived = await work().then(
      () => true,
      (error: unknown) => {
        if (error instanceof Killed) return false
        throw error
      },
    )
    death = undefined
    await server.up()
    if (!survived) await work()
    kills += server.kills - before
    return server.kills > before
  }

  /** At every point of one request: makes something ready, does it, and looks at what has come of it. Gives the deaths. */
  async function killEverywhere<T>(
    request: Pick<Death, 'operation' | 'nth'>,
    prepare: (point: number) => Promise<T>,
    work: (subject: T, point: number) => Promise<unknown>,
    look: (subject: T, point: number) => Promise<void>,
  ): Promise<number> {
    for (let point = 0; ; point++) {
      const subject = await prepare(point)
      const died = await dies({ ...request, point }, () => work(subject, point))
      await look(subject, point)
      if (!died) return point
    }
  }

  const enter = async (person: string): Promise<RfxPerson> => {
    const visitor = await arrive({ url: server.url, organization: 'fjordhjelpen', person })
    const { me } = visitor.nokkel.auth.getSnapshot()
    if (!me) throw new Error(`${person} is not there.`)
    visitors.set(me.id, visitor)
    const device = (await visitor.storage.get(`device_v1.${me.id}`)) as { deviceId: string; keys: DeviceKeys }
    const key = (await visitor.nokkel.userKeys.list()).find(({ state }) => state === 'active')
    const own = managed.get(key?.thumbprint ?? '')
    if (!own) throw new Error('This key is not one of the ready-made ones.')
    return {
      id: me.id,
      claims: { sub: me.id, sid: me.session.id, role: 'authenticated', organization: me.organization.id },
      deviceId: device.deviceId,
      signing: device.keys.signing,
      managed: own,
    }
  }

  beforeAll(async () => {
    for (const text of testPrivateKeys) {
      const key = await importPrivateKey(decodeBase64(text))
      managed.set(key.thumbprint, key)
    }
    prepared = await prepareDatabase(engine)
    server = await startFragileServer(prepared.database, points[engine])
    silje = await enter('fjordhjelpen-koordinator')
    bjorn = await enter('fjordhjelpen-medlem-1')
    kari = await enter('likeperson-medlem-1')
    ingrid = await enter('likeperson-koordinator')
    for (const [person, companyId] of [
      [silje, company.buyer],
      [bjorn, company.supplier],
    ] as const) {
      await answerOf(api, contract.generateCompanyKeys, person, { body: { companyId } })
    }
  })

  afterAll(async () => {
    await server?.close()
    await prepared?.remove()
  })

  /** Sent for review with its key at nobody but whoever made it: three wait for it. */
  const inReview = async (): Promise<string> => {
    const id = await createProject(api, silje, company.buyer)
    await answerOf(api, contract.changeRfxStatus, silje, { params: { id }, body: { status: 'in_review' } })
    return id
  }

  /** Everyone opens the key with their own, nobody waits for it, and the check of the server finds nothing. */
  async function expectWhole(id: string, members: readonly RfxPerson[] = [silje, kari, ingrid]): Promise<void> {
    const opened = await Promise.all(members.map((person) => openGroup(api, person, id)))
    for (const { key, group } of opened) {
      expect(key).toEqual(opened[0]?.key)
      expect(group.rekeyPending).toBe(false)
    }
    const query = { limit: '1' }
    const { coverage } = await answerOf(api, contract.listRfxRecipients, silje, { params: { id }, query })
    expect(coverage.missing).toBe(0)
    const { faults } = await answerOf(api, contract.checkRfx, silje, { params: { id } })
    expect(faults).toEqual([])
  }

  it('a project is made or not', { timeout: 120_000 }, async () => {
    const deaths = await killEverywhere(
      { operation: contract.createRfx, nth: 0 },
      () => makeProject(api, silje, company.buyer),
      (body) => answerOf(api, contract.createRfx, silje, { body }),
      async ({ id }) => {
        await distribute(api, silje, id)
        await expectWhole(id, [silje, kari])
        const { entries } = await answerOf(api, contract.listRfxEntries, kari, { params: { id } })
        expect(entries).toHaveLength(1)
      },
    )
    expect(deaths).toBeGreaterThanOrEqual(engine === 'pglite' ? 3 : 8)
  })

  it.each([0, 1])('its key comes to everyone, also when batch %i is interrupted', { timeout: 120_000 }, async (nth) => {
    const deaths = await killEverywhere(
      { operation: contract.addRfxWraps, nth },
      inReview,
      (id) => distribute(api, silje, id, { batchLength: 1 }),
      async (id) => {
        await expectWhole(id)
        const { manifest } = await answerOf(api, contract.getRfxGroup, kari, { params: { id } })
        expect(manifest).toHaveLength(4)
      },
    )
    expect(deaths).toBeGreaterThanOrEqual(engine === 'pglite' ? 3 : 7)
  })

  describe('a next version of its key', () => {
    let id: string
    beforeAll(async () => {
      id = await inReview()
      await distribute(api, silje, id)
      for (const text of ['en', 'to', 'tre']) {
        await writeEntry(api, silje, id, { kind: 'comment', plaintext: encodeRfxComment({ text, section: null }) })
      }
    })

    const versionOf = async (): Promise<number> =>
      (await answerOf(api, contract.getRfx, kari, { params: { id } })).version
    const renew = async (before: number) => {
      if ((await versionOf()) === before) await rekey(api, silje, id, { batchLength: 2 })
      await moveContentKeys(api, silje, id)
    }

    it.each([
      ['while it begins', contract.beginRfxVersion, 0],
      ['with its first wraps', contract.addRfxVersionWraps, 0],
      ['with its last wraps', contract.addRfxVersionWraps, 1],
      ['when it takes its place', contract.activateRfxVersion, 0],
      ['while content keys follow', contract.moveContentKeys, 0],
    ] as const)('is there or not, also when it is interrupted %s', { timeout: 120_000 }, async (_, operation, nth) => {
      const deaths = await killEverywhere({ operation, nth }, versionOf, renew, async (before) => {
        const version = await versionOf()
        expect(version).toBe(before + 1)
        await expectWhole(id)
        const { key } = await openGroup(api, kari, id)
        const { entries } = (await answerOf(api, contract.listRfxEntries, kari, { params: { id } })) as {
          entries: RfxEntry[]
        }
        const texts = entries.slice(0, 3).map(async ({ sequence, version: under, wrappedKey, content }) => {
          expect(under).toBe(version)
          const sealed = { wrappedKey: decodeBase64Url(wrappedKey ?? ''), content: decodeBase64Url(content ?? '') }
          return parseRfxComment(await openRfxEntry({ rfxId: id, sequence, version, key, ...sealed })).text
        })
        expect(await Promise.all(texts)).toEqual(['tre', 'to', 'en'])
      })
      expect(deaths).toBeGreaterThanOrEqual(engine === 'pglite' ? 3 : 6)
    })
  })

  describe('a bid', () => {
    const deadline = new Date(Date.now() + 3_600_000).toISOString()
    const bidsOf = async (id: string): Promise<RfxBid[]> =>
      (await answerOf(api, contract.listBids, bjorn, { params: { id } })).bids
    const bidding = async () => {
      const suppliers = [company.supplier]
      const openers = [silje]
      const id = await createProjectAt(api, {
        buyer: silje,
        companyId: company.buyer,
        developer: ingrid,
        suppliers,
        openers,
        deadline,
      })
      const groupId = await createGroup(api, bjorn, id, 'bidder', company.supplier)
      await distribute(api, bjorn, groupId)
      return { id, groupId }
    }
    const submit = ({ id }: { readonly id: string }, text: string) =>
      submitBid(api, bjorn, id, { companyId: company.supplier, text })

    async function expectBid({ id, groupId }: { id: string; groupId: string }, text: string): Promise<RfxBid> {
      const [bid, ...others] = (await bidsOf(id)) as [RfxBid]
      expect(others).toEqual([])
      expect(bid).toMatchObject({ state: 'submitted' })
      expect((await openOwnBid(api, bjorn, groupId, bid)).text).toBe(text)
      return bid
    }

    it('is begun once', { timeout: 120_000 }, async () => {
      const deaths = await killEverywhere(
        { operation: contract.beginBid, nth: 0 },
        bidding,
        (rfx) => submit(rfx, 'Som beskrevet.'),
        async (rfx) => {
          expect(await expectBid(rfx, 'Som beskrevet.')).toMatchObject({ revision: 1 })
        },
      )
      expect(deaths).toBeGreaterThanOrEqual(engine === 'pglite' ? 3 : 5)
    })

    it('is submitted or not', { timeout: 120_000 }, async () => {
      const rfx = await bidding()
      const deaths = await killEverywhere(
        { operation: contract.submitBid, nth: 0 },
        async () => (await bidsOf(rfx.id))[0]?.revision ?? 0,
        (_, point) => submit(rfx, `Tilbud ${point}`),
        async (before, point) => {
          const { revision } = await expectBid(rfx, `Tilbud ${point}`)
          expect([before + 1, before + 2]).toContain(revision)
          if (isSentAgain(point)) expect(revision).toBe(before + 1)
        },
      )
      expect(deaths).toBeGreaterThanOrEqual(engine === 'pglite' ? 3 : 6)
    })
  })

  interface StoredWrap {
    readonly group: string
    readonly version: number
    readonly present: boolean
    readonly thumbprint: string
    readonly wrap: string
    readonly commitment: Uint8Array
  }

  /** Written for this test: who should have which key of which group, and who has. */
  const differences = (ask: Ask) =>
    ask(`
      with should as (
        select r.id as rfx, m.user_id as owner from public.rfxs r
          join public.company_member m on m.company_id = r.company_id where r.kind = 'project'
        union
        select r.id, m.user_id from public.rfxs r
          join public.organization_member m on m.organization_id = r.organization_id and m.is_developer
          where r.kind = 'project' and r.status in ('in_review', 'approved')
        union
        select r.id, m.user_id from public.rfxs r join public.rfx_invitation i on i.rfx_id = r.id
          join public.company_member m on m.company_id = i.company_id where r.status = 'approved'
        union
        select r.id, o.user_id from public.rfxs r join public.rfx_opener o on o.rfx_id = r.parent_id where r.kind = 'opening'
        union
        select r.id, m.user_id from public.rfxs r
          join public.company_member m on m.company_id = r.company_id where r.kind = 'bidder'
        union
        select r.id, r.company_id from public.rfxs r
        union
        select r.id, i.company_id from public.rfxs r join public.rfx_invitation i on i.rfx_id = r.id
          where r.kind = 'project' and r.status = 'approved'
      ), keyed as (
        select s.rfx, k.id as key from should s join (
          select user_id as owner, id from public.user_key where state = 'active'
          union all
          select company_id, id from public.company_key where state = 'active'
        ) k using (owner)
      ), wrapped as (
        select rfx_id as rfx, key_id as key from public.rfx_key_members
        union all
        select rfx_id, key_id from public.rfx_key_companies
      )
      (select 'missing' as what, * from keyed except all select 'missing', * from wrapped)
      union all
      (select 'surplus', * from wrapped except all select 'surplus', * from keyed)`)

  it('has left everyone their key and nobody else, and every bid as it was sealed', { timeout: 60_000 }, async () => {
    await server.close()
    const found = await prepared.look(async (ask) => ({
      faults: await ask('select * from nokkel.rfx_faults()'),
      orphans: await ask('select * from nokkel.orphaned_keys()'),
      differences: await differences(ask),
      attempts: await ask('select * from nokkel.rfx_key_attempt'),
      wraps: await ask<StoredWrap>(`
        select w.rfx_id as "group", w.version, w.version = r.key_version as present, k.thumbprint,
          w.encrypted_symmetric_key as wrap, m.commitment
        from nokkel.rfx_wrap w
        join public.rfxs r on r.id = w.rfx_id
        join (select id, thumbprint from public.user_key union all select id, thumbprint from public.company_key) k
          on k.id = w.key_id
        join public.rfx_manifest m on m.rfx_id = w.rfx_id and m.version = w.version and m.revision = 1`),
      wrapCount: await ask<{ count: number }>('select count(*)::int from nokkel.rfx_wrap'),
      chains: await ask<{ group: string; version: number; previous: Uint8Array; commitment: Uint8Array }>(`
        select v.rfx_id as "group", v.version, v.previous_key as previous, m.commitment
        from public.rfx_key_version v
        join public.rfx_manifest m on m.rfx_id = v.rfx_id and m.version = v.version - 1 and m.revision = 1
        order by v.version desc`),
      bids: await ask<Record<'content' | 'sealed_part' | 'envelope', Uint8Array> & Record<string, string>>(`
        select b.id, b.rfx_id, b.company_id, b.opening_id, b.content, b.sealed_part, p.envelope
        from public.rfx_bid b join nokkel.rfx_bid_part p on p.bid_id = b.id where b.state = 'submitted'`),
      pending: await ask(`
        select from public.rfx_entry e join public.rfxs r on r.id = e.rfx_id
        where e.wrapped_key is not null and e.key_version <> r.key_version`),
    }))
    expect(found.faults).toEqual([])
    expect(found.orphans).toEqual([])
    expect(found.differences).toEqual([])
    expect(found.attempts).toEqual([])
    expect(found.pending).toEqual([])
    expect(found.wraps).toHaveLength(found.wrapCount[0]?.count ?? 0)

    const keys = new Map<string, Bytes>()
    for (const { group, version, present, thumbprint, wrap, commitment } of found.wraps) {
      const owner = managed.get(thumbprint)
      if (!owner) throw new Error('This key is not one of the ready-made ones.')
      const key = asRfxKey(await unwrapKey(decodeBase64(wrap), owner.privateKey))
      expect(await calculateKeyCommitment(key, { groupId: group, version })).toEqual(new Uint8Array(commitment))
      if (present) keys.set(group, key)
    }
    const earlier = new Map(keys)
    for (const { group: groupId, version, previous, commitment } of found.chains) {
      const key = asRfxKey(earlier.get(groupId) ?? new Uint8Array())
      const before = await openPreviousKey({ key, previous: new Uint8Array(previous), groupId, version })
      const of = { groupId, version: version - 1 }
      expect(await calculateKeyCommitment(before, of)).toEqual(new Uint8Array(commitment))
      earlier.set(groupId, before)
    }
    const masterKey = await importEnvelopeKey(new Uint8Array(32).fill(7))
    expect(found.bids.length).toBeGreaterThanOrEqual(3)
    for (const { id: bidId = '', rfx_id: rfxId = '', company_id: companyId = '', opening_id, ...bid } of found.bids) {
      const place = { purpose: 'rfx-bid-server-part', table: 'rfx_bid_part', column: 'envelope' }
      const serverPart = await decryptEnvelope(new Uint8Array(bid.envelope), masterKey, {
        ...place,
        row: bidId,
        owner: companyId,
      })
      const openingKeyPair = await deriveOpeningKeyPair(asRfxKey(keys.get(opening_id ?? '') ?? new Uint8Array()))
      const [content, sealedPart] = [new Uint8Array(bid.content), new Uint8Array(bid.sealed_part)]
      const ids = { rfxId, bidId, companyId }
      const opened = await openRfxBid({ ...ids, openingKeyPair, serverPart, sealedPart, content })
      expect(parseRfxBidContent(opened).text).toMatch(/^(?:Som beskrevet\.|Tilbud \d+)$/)
    }
    console.log(`[${engine}] ${kills} kills`)
  })
})

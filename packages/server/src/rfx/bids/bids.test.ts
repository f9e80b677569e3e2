import type { RfxBid } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import {
  decodeBase64Url,
  encodeBase64Url,
  encodeRfxComment,
  exportPublicJwk,
  generateDeviceKeys,
  type RfxBidContent,
  verifyRfxBid,
} from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../../tools/testing/database.ts'
import { readAudit } from '../../../../../tools/testing/managed-keys.ts'
import { logIn } from '../../../../../tools/testing/people.ts'
import { type BiddingCast, createBiddingCast } from '../../../../../tools/testing/rfx/bidding-cast.ts'
import {
  type BiddingProject,
  beginBid,
  createBiddingProject,
  makeBid,
  makeBidMove,
  openBid,
  openOwnBid,
  submitBid,
} from '../../../../../tools/testing/rfx/bids.ts'
import { makeEntry, sendFile, writeEntry } from '../../../../../tools/testing/rfx/content.ts'
import { distribute, rekey } from '../../../../../tools/testing/rfx/keys.ts'
import { answerOf, type RfxPerson, signerOf } from '../../../../../tools/testing/rfx/person.ts'
import { createGroup, createProjectAt, passDeadline } from '../../../../../tools/testing/rfx/projects.ts'
import { readMasterKeyVersions } from '../../keyring/status.ts'

describe.each(databaseEngines)('sealed bids [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: BiddingCast
  let first: string
  let second: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    cast = await createBiddingCast(database, api)
    first = cast.companies.first
    second = cast.companies.second
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const project = () => createBiddingProject(api, cast)
  const list = ({ claims }: Pick<RfxPerson, 'claims'>, id: string) =>
    api.call(contract.listBids, claims, { params: { id } })
  const bidsOf = async (person: RfxPerson, id: string): Promise<RfxBid[]> => (await list(person, id)).body.bids
  const begin = ({ claims }: RfxPerson, id: string, companyId: string, bidId: string = crypto.randomUUID()) =>
    api.call(contract.beginBid, claims, { params: { id }, body: { bidId, companyId } })
  const submit = (
    { claims }: Pick<RfxPerson, 'claims'>,
    id: string,
    { bidId, body }: { readonly bidId: string; readonly body: unknown },
  ) => api.call(contract.submitBid, claims, { params: { id, bidId }, body })
  const withdraw = ({ claims }: RfxPerson, id: string, companyId: string) =>
    api.call(contract.withdrawBid, claims, { params: { id, companyId } })
  const release = ({ claims }: RfxPerson, id: string, bidId: string) =>
    api.call(contract.releaseBidPart, claims, { params: { id, bidId } })
  const chunkOf = async ({ claims }: RfxPerson, id: string) =>
    (await api.call(contract.getBlobChunk, claims, { params: { id, index: 0 } })).status
  const exclude = (id: string, { id: userId }: RfxPerson) =>
    answerOf(api, contract.excludeRfxMember, cast.kari, { params: { id, userId } })
  const nameOpener = (id: string, { id: userId }: RfxPerson) =>
    answerOf(api, contract.nameOpener, cast.kari, { params: { id, userId } })
  const audit = async (bidId: string) =>
    (await readAudit(database))
      .filter(({ subject }) => String(subject).startsWith(bidId))
      .map(({ user, action, outcome, problem }) => [user, action, problem ?? outcome])
  const textOf = ({ text }: RfxBidContent) => text

  it('are read by whom, before and after the deadline', { timeout: 60_000 }, async () => {
    const { kari, silje, developer, bjorn, berit, aile, outsider, stranger } = cast
    const rfx = await project()
    await nameOpener(rfx.id, silje)
    await distribute(api, kari, rfx.openingId)
    const file = await sendFile(api, bjorn)
    const { id: bidId } = await submitBid(api, bjorn, rfx.id, { companyId: first, text: 'Vårt tilbud', blobs: [file] })
    await submitBid(api, aile, rfx.id, { companyId: second, text: 'Et annet tilbud' })
    await exclude(rfx.id, silje)
    const people = { bjorn, berit, aile, kari, silje, developer, outsider, stranger }
    const look = async () => {
      const found: Record<string, unknown> = {}
      for (const [name, person] of Object.entries(people)) {
        const { code, body } = await list(person, rfx.id)
        const companies = body?.bids.map(({ company }: RfxBid) => (company.id === first ? 'first' : 'second')).sort()
        const { code: refusal } = await release(person, rfx.id, bidId)
        found[name] = [code ?? companies, refusal ?? 'released', await chunkOf(person, file)]
      }
      return found
    }
    const bidder = [['first'], 'released', 200]
    const nobody = ['not_found', 'not_found', 404]
    const never = {
      bjorn: bidder,
      berit: bidder,
      aile: [['second'], 'not_found', 404],
      silje: nobody,
      developer: [[], 'not_found', 404],
      outsider: nobody,
      stranger: nobody,
    }
    expect(await look()).toEqual({ ...never, kari: [[], 'deadline_not_passed', 404] })
    await passDeadline(database, rfx.id)
    expect(await look()).toEqual({ ...never, kari: [['first', 'second'], 'released', 200] })
    await answerOf(api, contract.changeRfxStatus, kari, { params: { id: rfx.id }, body: { status: 'closed' } })
    expect(await look()).toEqual({ ...never, kari: [['first', 'second'], 'released', 200] })
  })

  it('open for their makers at any time and for openers with the part of the server', async () => {
    const { kari, silje, bjorn, berit, aile } = cast
    const rfx = await project()
    const answer = await submitBid(api, bjorn, rfx.id, { companyId: first, text: 'Vårt tilbud' })
    await submitBid(api, aile, rfx.id, { companyId: second, text: 'Et annet tilbud' })
    expect(answer).toMatchObject({ state: 'submitted', revision: 1, mine: true, openedAt: null, authorId: bjorn.id })
    const [own] = await bidsOf(berit, rfx.id)
    expect(own).toEqual(answer)
    expect(textOf(await openOwnBid(api, berit, rfx.firstId, own as RfxBid))).toBe('Vårt tilbud')

    await passDeadline(database, rfx.id)
    const bids = await bidsOf(kari, rfx.id)
    expect(bids.map(({ mine, ownKey, ownVersion }) => [mine, ownKey, ownVersion])).toEqual([
      [false, null, null],
      [false, null, null],
    ])
    for (const { id: bidId, company, statement, content, sealedPart } of bids) {
      const verified = await verifyRfxBid({
        organizationId: cast.organization,
        rfxId: rfx.id,
        bidId,
        companyId: company.id,
        statement: statement ?? '',
        content: decodeBase64Url(content ?? ''),
        sealedPart: decodeBase64Url(sealedPart ?? ''),
      })
      expect([bjorn.id, aile.id]).toContain(verified.author.userId)
    }
    const texts = async (opener: RfxPerson) =>
      (await Promise.all(bids.map(async (bid) => textOf(await openBid(api, opener, rfx, bid))))).toSorted()
    expect(await texts(kari)).toEqual(['Et annet tilbud', 'Vårt tilbud'])
    expect((await bidsOf(bjorn, rfx.id))[0]?.openedAt).not.toBeNull()

    // Named when the bids are in, without a wrap of her own: through the company.
    expect(await list(silje, rfx.id)).toMatchObject({ status: 200, body: { bids: [] } })
    await nameOpener(rfx.id, silje)
    expect(await texts(silje)).toEqual(['Et annet tilbud', 'Vårt tilbud'])
  })

  it('open after the opening group got a new version', async () => {
    const { kari, silje, bjorn } = cast
    const rfx = await project()
    await nameOpener(rfx.id, silje)
    await distribute(api, kari, rfx.openingId)
    const early = await submitBid(api, bjorn, rfx.id, { companyId: first, text: 'Til den første' })
    const { body, bidId } = await makeBid(api, bjorn, rfx.id, { companyId: first })
    const dismissal = { params: { id: rfx.id, userId: silje.id } }
    await answerOf(api, contract.dismissOpener, kari, dismissal)
    await rekey(api, kari, rfx.openingId)
    expect(await submit(bjorn, rfx.id, { bidId, body })).toMatchObject({
      status: 409,
      code: 'version_stale',
      data: { opening: 2, bidder: 1 },
    })
    await passDeadline(database, rfx.id)
    expect(textOf(await openBid(api, kari, rfx, early))).toBe('Til den første')
  })

  it('are taken while the opening group waits for a new key, not while the bidder does', async () => {
    const { kari, silje, bjorn, berit, aile } = cast
    const rfx = await project()
    await nameOpener(rfx.id, silje)
    await distribute(api, kari, rfx.openingId)
    await answerOf(api, contract.dismissOpener, kari, { params: { id: rfx.id, userId: silje.id } })
    const sent = await submitBid(api, aile, rfx.id, { companyId: second, text: 'Til den gamle' })
    expect(sent).toMatchObject({ state: 'submitted', openingVersion: 1 })
    const late = await makeBid(api, bjorn, rfx.id, { companyId: first })
    await exclude(rfx.id, berit)
    expect(await submit(bjorn, rfx.id, late)).toMatchObject({ status: 409, code: 'rekey_pending' })
    await rekey(api, kari, rfx.openingId)
    await passDeadline(database, rfx.id)
    expect(textOf(await openBid(api, kari, rfx, sent))).toBe('Til den gamle')
  })

  describe('beginning', () => {
    it('gives everyone of the company the same part, which is stored under the master key alone', async () => {
      const { bjorn, berit, aile } = cast
      const rfx = await project()
      const made = await begin(bjorn, rfx.id, first)
      expect(made.status).toBe(201)
      expect(await begin(berit, rfx.id, first)).toEqual(made)
      expect(await begin(bjorn, rfx.id, first, made.body.bidId)).toEqual(made)
      const others = (await begin(aile, rfx.id, second)).body
      expect(others.serverPart).not.toBe(made.body.serverPart)
      expect(await release(berit, rfx.id, made.body.bidId)).toEqual({
        status: 200,
        body: { serverPart: made.body.serverPart },
      })
      expect(await audit(made.body.bidId)).toEqual([
        [bjorn.id, 'rfx_bid.begin', 'allowed'],
        [berit.id, 'rfx_bid.read', 'allowed'],
      ])
      const { rows } = await sql<{ envelope: Uint8Array }>`
        select envelope from nokkel.rfx_bid_part where bid_id = ${made.body.bidId}::uuid`.execute(database.owner)
      expect(rows[0]?.envelope).toHaveLength(80)
      const clear = Buffer.from(decodeBase64Url(made.body.serverPart))
      expect(Buffer.from(rows[0]?.envelope ?? []).includes(clear)).toBe(false)
      expect(await bidsOf(bjorn, rfx.id)).toMatchObject([{ state: 'begun', revision: 0, content: null }])
    })

    it('is one of two at once', async () => {
      const { bjorn, berit } = cast
      const rfx = await project()
      const [one, other] = await Promise.all([begin(bjorn, rfx.id, first), begin(berit, rfx.id, first)])
      expect(one).toEqual(other)
      expect(one?.status).toBe(201)
      expect(await bidsOf(bjorn, rfx.id)).toHaveLength(1)
    })

    it('counts in the bookkeeping of the master key', async () => {
      const parts = async () => (await readMasterKeyVersions(database.server))[0]?.rows.bidParts ?? 0
      const rfx = await project()
      const before = await parts()
      await begin(cast.bjorn, rfx.id, first)
      await begin(cast.berit, rfx.id, first)
      expect(await parts()).toBe(before + 1)
    })

    it('is for people of a company that bids, in their project', async () => {
      const { kari, developer, bjorn, aile, outsider, stranger } = cast
      const rfx = await project()
      const refused = [
        [kari, first, 403, 'forbidden'],
        [kari, cast.companies.buyer, 403, 'forbidden'],
        [developer, first, 403, 'forbidden'],
        [aile, first, 403, 'forbidden'],
        [bjorn, crypto.randomUUID(), 403, 'forbidden'],
        [outsider, first, 404, 'not_found'],
        [stranger, first, 404, 'not_found'],
      ] as const
      for (const [person, companyId, status, code] of refused) {
        const bidId = crypto.randomUUID()
        expect(await begin(person, rfx.id, companyId, bidId)).toMatchObject({ status, code })
        expect(await audit(bidId)).toEqual([[person.id, 'rfx_bid.begin', code]])
      }
      expect(await begin(bjorn, crypto.randomUUID(), first)).toMatchObject({ code: 'not_found' })
      expect(await begin(bjorn, rfx.openingId, first)).toMatchObject({ code: 'not_found' })
      await exclude(rfx.id, bjorn)
      expect(await begin(bjorn, rfx.id, first)).toMatchObject({ status: 404, code: 'not_found' })
    })

    it('takes no id of something else', async () => {
      const { kari, bjorn, aile } = cast
      const rfx = await project()
      const { bidId } = await beginBid(api, bjorn, rfx.id, first)
      expect(await begin(aile, rfx.id, second, bidId)).toMatchObject({ status: 409, code: 'conflict' })
      const drawing = { kind: 'document', plaintext: encodeRfxComment({ text: 'tegning', section: null }) } as const
      const file = await sendFile(api, kari)
      const { objectId } = await writeEntry(api, kari, rfx.id, { ...drawing, blobs: [file] })
      expect(await begin(aile, rfx.id, second, objectId)).toMatchObject({ status: 409, code: 'conflict' })
      expect(await chunkOf(aile, file)).toBe(200)

      const blobs = [await sendFile(api, kari)]
      const document = await makeEntry(api, kari, rfx.id, { ...drawing, object: bidId, blobs })
      const written = await api.call(contract.addRfxEntry, kari.claims, { params: { id: rfx.id }, body: document })
      expect(written).toMatchObject({ status: 409, code: 'conflict' })
      // In another project it is another id.
      const other = await project()
      await begin(aile, other.id, second, objectId)
      expect(await chunkOf(bjorn, file)).toBe(200)
    })

    it('waits for approval and a deadline, and ends with them', async () => {
      const { kari, developer, bjorn } = cast
      const id = await createProjectAt(api, {
        buyer: kari,
        developer,
        companyId: cast.companies.buyer,
        suppliers: [first],
      })
      await createGroup(api, bjorn, id, 'bidder', first)
      expect(await begin(bjorn, id, first)).toMatchObject({
        status: 409,
        code: 'rfx_status',
        data: { status: 'approved' },
      })
      const rfx = await project()
      await passDeadline(database, rfx.id)
      expect(await begin(bjorn, rfx.id, first)).toMatchObject({ status: 409, code: 'deadline_passed' })
      await answerOf(api, contract.changeRfxStatus, kari, { params: { id: rfx.id }, body: { status: 'closed' } })
      expect(await begin(bjorn, rfx.id, first)).toMatchObject({ status: 409, code: 'rfx_status' })
    })
  })

  describe('submitting', () => {
    let rfx: BiddingProject
    beforeAll(async () => {
      rfx = await project()
    })

    it('replaces the bid before, by anybody of the company, and changes nothing when given again', async () => {
      const { bjorn, berit } = cast
      const id = (await project()).id
      const sent = await makeBid(api, bjorn, id, { companyId: first })
      const answer = await submit(bjorn, id, sent)
      expect(answer).toMatchObject({ status: 200, body: { revision: 1, authorId: bjorn.id } })
      expect(await submit(bjorn, id, sent)).toEqual(answer)
      const again = await submitBid(api, berit, id, { companyId: first, text: 'Nå billigere' })
      expect(again).toMatchObject({ id: sent.bidId, revision: 2, authorId: berit.id })
      expect(await submit(bjorn, id, sent)).toMatchObject({
        status: 409,
        code: 'revision_stale',
        data: { revision: 2 },
      })
      expect(await bidsOf(bjorn, id)).toEqual([again])
      const records = await audit(sent.bidId)
      expect(records.filter(([, action]) => action === 'rfx_bid.submit')).toEqual([
        [bjorn.id, 'rfx_bid.submit', 'allowed'],
        [berit.id, 'rfx_bid.submit', 'allowed'],
        [bjorn.id, 'rfx_bid.submit', 'revision_stale'],
      ])
    })

    it('keeps files of the bid before that still belong to it, also those of a colleague', async () => {
      const { bjorn, berit } = cast
      const id = (await project()).id
      const [kept, dropped] = [await sendFile(api, bjorn), await sendFile(api, bjorn)]
      await submitBid(api, bjorn, id, { companyId: first, blobs: [kept, dropped] })
      const added = await sendFile(api, berit)
      await submitBid(api, berit, id, { companyId: first, blobs: [kept, added] })
      const seen = await Promise.all([kept, dropped, added].map((file) => chunkOf(bjorn, file)))
      expect(seen).toEqual([200, 404, 200])
      const pending = await sendFile(api, bjorn)
      for (const blobs of [[dropped], [pending], [crypto.randomUUID()]]) {
        const sent = await makeBid(api, berit, id, { companyId: first, blobs })
        const answer = await submit(berit, id, sent)
        expect(answer).toMatchObject({ status: 409, code: 'blob_incomplete', data: { blobIds: blobs } })
      }
      expect(await chunkOf(berit, kept)).toBe(200)
    })

    it('takes only what the device of the session has signed of exactly this', async () => {
      const { bjorn, berit, aile } = cast
      const sent = await makeBid(api, bjorn, rfx.id, { companyId: first })
      const other = await makeBid(api, bjorn, rfx.id, { companyId: first, text: 'Noe annet' })
      const { signing } = await generateDeviceKeys()
      const stranger = await exportPublicJwk((await generateDeviceKeys()).encryption.publicKey)
      const wrong = await Promise.all(
        [
          { author: signerOf(berit) },
          { author: { ...signerOf(bjorn), signing } },
          { author: { ...signerOf(bjorn), deviceId: crypto.randomUUID() } },
          { rfxId: crypto.randomUUID() },
          { bidId: crypto.randomUUID() },
          { companyId: second },
          { organizationId: crypto.randomUUID() },
          { revision: 2 ** 31 },
          { sealTo: stranger },
        ].map(async (changed) => (await makeBid(api, bjorn, rfx.id, { companyId: first }, changed)).body),
      )
      const { body } = sent
      const bodies = [
        ...wrong,
        { ...body, content: other.body.content },
        { ...body, sealedPart: other.body.sealedPart },
        { ...body, content: body.content.slice(0, -4) },
        { ...body, statement: other.body.statement },
      ]
      for (const changed of bodies) {
        const answer = await submit(bjorn, rfx.id, { ...sent, body: changed })
        expect(answer).toMatchObject({ status: 400, code: 'statement_invalid' })
      }
      const malformed = [
        { ...body, content: body.content.slice(0, 60) },
        { ...body, sealedPart: body.sealedPart.slice(0, -4) },
        { ...body, ownKey: `${body.ownKey}AAAA` },
        { ...body, ownKey: null },
        { ...body, openingVersion: 0 },
        { ...body, ownVersion: 2 ** 31 },
        { ...body, blobs: Array.from({ length: 51 }, () => crypto.randomUUID()) },
        { ...body, part: 'x' },
      ]
      for (const changed of malformed) {
        const answer = await submit(bjorn, rfx.id, { ...sent, body: changed })
        expect(answer).toMatchObject({ status: 400, code: 'request_malformed' })
      }
      expect(await submit(berit, rfx.id, sent)).toMatchObject({ code: 'statement_invalid' })
      const bare = await logIn(database, cast.organization, bjorn.id)
      expect(await submit(bare, rfx.id, sent)).toMatchObject({ status: 403, code: 'device_required' })
      const foreign = await makeBid(api, bjorn, rfx.id, { companyId: first }, { author: signerOf(aile) })
      expect(await submit(aile, rfx.id, foreign)).toMatchObject({ status: 403, code: 'forbidden' })
      expect(await bidsOf(bjorn, rfx.id)).toMatchObject([{ state: 'begun', revision: 0 }])
      expect((await submit(bjorn, rfx.id, sent)).status).toBe(200)
    })

    it('takes a bid that was begun, in the next revision, under present keys', async () => {
      const { bjorn } = cast
      const { id, firstId } = await project()
      const { body, bidId } = await makeBid(api, bjorn, id, { companyId: first })
      for (const revision of [2, 3]) {
        const ahead = await makeBid(api, bjorn, id, { companyId: first }, { revision })
        expect(await submit(bjorn, id, ahead)).toMatchObject({ code: 'revision_stale', data: { revision: 0 } })
      }
      for (const changed of [{ openingVersion: 2 }, { ownVersion: 2 }]) {
        const answer = await submit(bjorn, id, { bidId, body: { ...body, ...changed } })
        expect(answer).toMatchObject({ code: 'version_stale', data: { opening: 1, bidder: 1 } })
      }
      const unknown = crypto.randomUUID()
      const unbegun = await makeBid(api, bjorn, id, { companyId: first }, { bidId: unknown })
      const answer = await submit(bjorn, id, { ...unbegun, bidId: unknown })
      expect(answer).toMatchObject({ status: 404, code: 'not_found' })

      await sql`delete from public.company_member where company_id = ${first}::uuid and user_id = ${cast.berit.id}::uuid`.execute(
        database.owner,
      )
      try {
        expect(await submit(bjorn, id, { bidId, body })).toMatchObject({ status: 409, code: 'rekey_pending' })
        await rekey(api, bjorn, firstId)
        expect(await submit(bjorn, id, { bidId, body })).toMatchObject({ data: { opening: 1, bidder: 2 } })
        expect(await submitBid(api, bjorn, id, { companyId: first })).toMatchObject({ revision: 1, ownVersion: 2 })
      } finally {
        await sql`insert into public.company_member (company_id, organization_id, user_id)
          values (${first}::uuid, ${cast.organization}::uuid, ${cast.berit.id}::uuid)`.execute(database.owner)
      }
    })

    it('ends with the deadline, which only moves on', async () => {
      const { kari, bjorn } = cast
      const { id } = await project()
      const sent = await makeBid(api, bjorn, id, { companyId: first })
      const answer = await submit(bjorn, id, sent)
      const next = await makeBid(api, bjorn, id, { companyId: first })
      const deadline = (hours: number) =>
        api.call(contract.setRfxDeadline, kari.claims, {
          params: { id },
          body: { deadline: new Date(Date.now() + hours * 3_600_000).toISOString() },
        })
      expect(await deadline(0.5)).toMatchObject({ status: 409, code: 'deadline_shortened' })
      expect((await deadline(2)).status).toBe(200)
      await passDeadline(database, id)
      expect(await deadline(3)).toMatchObject({ status: 409, code: 'deadline_passed' })
      expect(await submit(bjorn, id, next)).toMatchObject({ status: 409, code: 'deadline_passed' })
      expect(await withdraw(bjorn, id, first)).toMatchObject({ status: 409, code: 'deadline_passed' })
      // Whoever lost the answer to what was in time is still told.
      expect(await submit(bjorn, id, sent)).toEqual(answer)
      expect(await bidsOf(bjorn, id)).toEqual([answer.body])
    })
  })

  describe('withdrawing', () => {
    it('takes the bid and its files, and leaves the company free to submit again', async () => {
      const { bjorn, berit, aile, kari } = cast
      const rfx = await project()
      const file = await sendFile(api, bjorn)
      const { id: bidId } = await submitBid(api, bjorn, rfx.id, { companyId: first, blobs: [file] })
      const { serverPart } = await beginBid(api, bjorn, rfx.id, first)
      expect(await withdraw(aile, rfx.id, first)).toMatchObject({ status: 403, code: 'forbidden' })
      expect(await withdraw(kari, rfx.id, first)).toMatchObject({ status: 403, code: 'forbidden' })
      expect(await withdraw(cast.outsider, rfx.id, first)).toMatchObject({ status: 404, code: 'not_found' })
      expect(await withdraw(aile, rfx.id, second)).toMatchObject({ status: 404, code: 'not_found' })
      expect((await withdraw(berit, rfx.id, first)).status).toBe(204)
      expect((await withdraw(berit, rfx.id, first)).status).toBe(204)
      expect(await bidsOf(bjorn, rfx.id)).toMatchObject([{ state: 'withdrawn', revision: 1, content: null }])
      expect(await chunkOf(bjorn, file)).toBe(404)
      expect((await audit(bidId)).filter(([, action]) => action === 'rfx_bid.withdraw')).toHaveLength(1)

      const again = await makeBid(api, bjorn, rfx.id, { companyId: first })
      expect((await begin(bjorn, rfx.id, first)).body).toEqual({ bidId, serverPart })
      expect((await submit(bjorn, rfx.id, again)).body).toMatchObject({ state: 'submitted', revision: 2 })
    })

    it('keeps what was withdrawn from openers', async () => {
      const { bjorn, kari } = cast
      const rfx = await project()
      const { id: bidId } = await submitBid(api, bjorn, rfx.id, { companyId: first })
      await withdraw(bjorn, rfx.id, first)
      await passDeadline(database, rfx.id)
      expect(await bidsOf(kari, rfx.id)).toEqual([])
      expect(await release(kari, rfx.id, bidId)).toMatchObject({ status: 404, code: 'not_found' })
    })

    it('a company takes its bid, its part and its files', async () => {
      const { bjorn, kari, aile } = cast
      const rfx = await project()
      const [file, pending] = [await sendFile(api, bjorn), await sendFile(api, bjorn)]
      const { id: bidId } = await submitBid(api, bjorn, rfx.id, { companyId: first, blobs: [file] })
      await answerOf(api, contract.withdrawSupplier, kari, { params: { id: rfx.id, companyId: first } })
      for (const person of [bjorn, kari, aile]) {
        expect(await chunkOf(person, file)).toBe(404)
        expect(await release(person, rfx.id, bidId)).toMatchObject({ status: 404, code: 'not_found' })
      }
      expect(await list(bjorn, rfx.id)).toMatchObject({ code: 'not_found' })
      const { rows } = await sql<Record<string, number>>`
        select (select count(*)::int from public.rfx_bid where id = ${bidId}::uuid) as bids,
          (select count(*)::int from nokkel.rfx_bid_part where bid_id = ${bidId}::uuid) as parts,
          (select count(*)::int from public.blob where id = ${file}::uuid) as files,
          (select count(*)::int from public.blob where id = ${pending}::uuid) as pending`.execute(database.owner)
      expect(rows).toEqual([{ bids: 0, parts: 0, files: 0, pending: 1 }])
    })
  })

  describe('the part of the server', () => {
    it('is recorded once each time it is given or refused', async () => {
      const { kari, silje, bjorn, aile } = cast
      const rfx = await project()
      const { id: bidId } = await submitBid(api, bjorn, rfx.id, { companyId: first })
      const before = (await audit(bidId)).length
      const refused = await release(kari, rfx.id, bidId)
      const { deadline } = await answerOf(api, contract.getRfx, kari, { params: { id: rfx.id } })
      expect(refused).toMatchObject({ status: 403, code: 'deadline_not_passed' })
      expect(Date.parse((refused.data as { deadline: string }).deadline)).toBe(
        Math.floor(Date.parse(deadline) / 1000) * 1000,
      )
      await release(aile, rfx.id, bidId)
      await passDeadline(database, rfx.id)
      await release(silje, rfx.id, bidId)
      await release(kari, rfx.id, bidId)
      await release(kari, rfx.id, bidId)
      await release(bjorn, rfx.id, bidId)
      expect((await audit(bidId)).slice(before)).toEqual([
        [kari.id, 'rfx_bid.open', 'deadline_not_passed'],
        [aile.id, 'rfx_bid.open', 'not_found'],
        [silje.id, 'rfx_bid.open', 'not_found'],
        [kari.id, 'rfx_bid.open', 'allowed'],
        [kari.id, 'rfx_bid.open', 'allowed'],
        [bjorn.id, 'rfx_bid.read', 'allowed'],
      ])
    })

    it('is of this bid in this project', async () => {
      const { bjorn } = cast
      const [rfx, other] = [await project(), await project()]
      const { bidId } = await beginBid(api, bjorn, rfx.id, first)
      expect(await release(bjorn, other.id, bidId)).toMatchObject({ status: 404, code: 'not_found' })
      expect(await release(bjorn, rfx.id, crypto.randomUUID())).toMatchObject({ status: 404, code: 'not_found' })
    })

    it('does not open where it was put in the place of another', async () => {
      const { bjorn, aile } = cast
      const rfx = await project()
      const own = await beginBid(api, bjorn, rfx.id, first)
      const { bidId: otherId } = await beginBid(api, aile, rfx.id, second)
      await sql`update nokkel.rfx_bid_part p set envelope = o.envelope from nokkel.rfx_bid_part o
        where p.bid_id = ${own.bidId}::uuid and o.bid_id = ${otherId}::uuid`.execute(database.owner)
      expect(await release(bjorn, rfx.id, own.bidId)).toMatchObject({ status: 500, code: 'server_failed' })
      expect((await audit(own.bidId)).slice(-2)).toEqual([
        [bjorn.id, 'rfx_bid.read', 'allowed'],
        [bjorn.id, 'rfx_bid.open', 'server_failed'],
      ])
    })
  })

  it('keep their own key under the present version of the bidder group', async () => {
    const { bjorn, aile, berit, kari } = cast
    const rfx = await project()
    const submitted = await submitBid(api, bjorn, rfx.id, { companyId: first, text: 'Vårt tilbud' })
    const other = await submitBid(api, aile, rfx.id, { companyId: second })
    const move = ({ claims }: RfxPerson, body: unknown, bidId = submitted.id) =>
      api.call(contract.moveBidKey, claims, { params: { id: rfx.id, bidId }, body })
    await exclude(rfx.id, berit)
    await rekey(api, bjorn, rfx.firstId)
    const body = await makeBidMove(api, bjorn, rfx.firstId, submitted)
    for (const person of [aile, kari, berit, cast.outsider, cast.stranger]) {
      expect(await move(person, body)).toMatchObject({ status: 404, code: 'not_found' })
    }
    for (const version of [1, 3]) {
      expect(await move(bjorn, { ...body, version })).toMatchObject({ code: 'version_stale', data: { version: 2 } })
    }
    expect(await move(bjorn, { ...body, new: body.new.slice(0, -4) })).toMatchObject({ code: 'request_malformed' })
    expect(await move(bjorn, body, other.id)).toMatchObject({ code: 'not_found' })
    expect((await move(bjorn, { ...body, old: other.ownKey })).body).toEqual({ moved: false })
    expect((await move(bjorn, body)).body).toEqual({ moved: true })
    expect((await move(bjorn, body)).body).toEqual({ moved: false })
    const [moved] = (await bidsOf(bjorn, rfx.id)) as [RfxBid]
    expect(moved).toMatchObject({ ownVersion: 2, ownKey: body.new, content: submitted.content })
    expect(textOf(await openOwnBid(api, bjorn, rfx.firstId, moved))).toBe('Vårt tilbud')

    // What it stood as before stays for thirty days, also when it is moved again, or until the next bid.
    const replaced = async () => {
      const { rows } = await sql<{ key: Uint8Array | null; version: number | null }>`
        select replaced_own_key as key, replaced_own_version as version from public.rfx_bid
        where id = ${submitted.id}::uuid`.execute(database.owner)
      return rows.map(({ key, version }) => [key && encodeBase64Url(key), version])[0]
    }
    const sweep = () => sql`select nokkel.sweep()`.execute(database.server)
    expect(await replaced()).toEqual([submitted.ownKey, 1])
    await rekey(api, bjorn, rfx.firstId)
    const junk = { version: 3, old: body.new, new: encodeBase64Url(crypto.getRandomValues(new Uint8Array(80))) }
    expect((await move(bjorn, junk)).body).toEqual({ moved: true })
    await sweep()
    expect(await replaced()).toEqual([submitted.ownKey, 1])
    const before = { ...moved, ownKey: submitted.ownKey, ownVersion: 1 }
    expect(textOf(await openOwnBid(api, bjorn, rfx.firstId, before))).toBe('Vårt tilbud')
    await sql`update public.rfx_bid set replaced_own_at = now() - interval '31 days'
      where id = ${submitted.id}::uuid`.execute(database.owner)
    await sweep()
    expect(await replaced()).toEqual([null, null])
  })
})

import type { RfxEntry, RfxEntryKind } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import {
  decodeBase64Url,
  encodeBase64Url,
  encodeRfxComment,
  generateDeviceKeys,
  openRfxEntry,
  parseRfxComment,
} from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../../tools/testing/database.ts'
import { readAudit } from '../../../../../tools/testing/managed-keys.ts'
import { logIn } from '../../../../../tools/testing/people.ts'
import { type BiddingCast, createBiddingCast } from '../../../../../tools/testing/rfx/bidding-cast.ts'
import {
  makeEntry,
  makeMoves,
  moveContentKeys,
  sendFile,
  writeEntry,
} from '../../../../../tools/testing/rfx/content.ts'
import { openGroup, openVersion, rekey } from '../../../../../tools/testing/rfx/keys.ts'
import { answerOf, type RfxPerson, signerOf } from '../../../../../tools/testing/rfx/person.ts'
import { createProject, createProjectAt, makeProject } from '../../../../../tools/testing/rfx/projects.ts'
import { withClaims } from '../../db/with-claims.ts'

type NewEntry = Awaited<ReturnType<typeof makeEntry>>

const text = (of: string) => encodeRfxComment({ text: of, section: null })
const comment = { kind: 'comment', plaintext: text('Er det plass til kran?') } as const

describe.each(databaseEngines)('content of projects [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: BiddingCast
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    cast = await createBiddingCast(database, api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const projectAt = (until: 'draft' | 'in_review' | 'approved') => {
    const { kari: buyer, developer, companies } = cast
    const suppliers = [companies.first, companies.second]
    return createProjectAt(api, { buyer, developer, companyId: companies.buyer, suppliers, until })
  }
  const add = ({ claims }: Pick<RfxPerson, 'claims'>, id: string, body: unknown) =>
    api.call(contract.addRfxEntry, claims, { params: { id }, body })
  const list = ({ claims }: RfxPerson, id: string, query: Record<string, string> = {}) =>
    api.call(contract.listRfxEntries, claims, { params: { id }, query })
  const chunkOf = async ({ claims }: RfxPerson, id: string) =>
    (await api.call(contract.getBlobChunk, claims, { params: { id, index: 0 } })).status
  const documentOf = async (person: RfxPerson) =>
    ({ kind: 'document', plaintext: text('tegning'), blobs: [await sendFile(api, person)] }) as const
  const exclude = (id: string, { id: userId }: RfxPerson) =>
    answerOf(api, contract.excludeRfxMember, cast.kari, { params: { id, userId } })

  async function textOf(person: RfxPerson, rfxId: string, { sequence, version, wrappedKey, content }: RfxEntry) {
    const key = await openVersion(await openGroup(api, person, rfxId), version)
    const sealed = { wrappedKey: decodeBase64Url(wrappedKey ?? ''), content: decodeBase64Url(content ?? '') }
    return parseRfxComment(await openRfxEntry({ rfxId, sequence, version, key, ...sealed })).text
  }

  describe('who writes what and when', () => {
    const kinds = ['title', 'specification', 'comment', 'document', 'removal'] as const
    type Outcome = 'ok' | 'forbidden' | 'rfx_status' | 'not_found'
    const all = (outcome: Outcome): readonly Outcome[] => kinds.map(() => outcome)
    const expected: Record<string, Record<string, readonly Outcome[]>> = {
      draft: { kari: all('ok'), developer: all('not_found'), bjorn: all('not_found') },
      in_review: {
        kari: all('ok'),
        developer: ['forbidden', 'forbidden', 'ok', 'ok', 'ok'],
        bjorn: all('not_found'),
      },
      approved: {
        kari: ['rfx_status', 'rfx_status', 'ok', 'ok', 'ok'],
        developer: ['forbidden', 'forbidden', 'ok', 'forbidden', 'forbidden'],
        bjorn: ['forbidden', 'forbidden', 'ok', 'forbidden', 'forbidden'],
      },
      closed: { kari: all('rfx_status'), developer: all('rfx_status'), bjorn: all('rfx_status') },
    }

    it.each(Object.keys(expected))('%s', { timeout: 60_000 }, async (status) => {
      const { kari } = cast
      const rfxId = await projectAt(status === 'closed' ? 'approved' : (status as 'draft'))
      const documents: string[] = []
      for (let count = 0; count < 2; count++) {
        documents.push((await writeEntry(api, kari, rfxId, await documentOf(kari))).objectId)
      }
      if (status === 'closed') {
        await answerOf(api, contract.changeRfxStatus, kari, { params: { id: rfxId }, body: { status } })
      }
      const outcome = async (person: RfxPerson, kind: RfxEntryKind) => {
        const blobs = kind === 'document' && person.id !== cast.outsider.id ? [await sendFile(api, person)] : []
        const [object] = documents
        const removal = { kind, plaintext: null, revision: 2, ...(object && { object }) } as const
        const options = kind === 'removal' ? removal : { kind, plaintext: text(kind), blobs }
        // Whoever cannot open the project guesses right what comes next.
        const body = await makeEntry(api, kari, rfxId, options, { author: signerOf(person) })
        const { code } = await add(person, rfxId, body)
        if (code === undefined && kind === 'removal') documents.shift()
        return code ?? 'ok'
      }
      const people = { ...expected[status], outsider: all('not_found'), stranger: all('not_found') }
      for (const [name, outcomes] of Object.entries(people)) {
        const person = cast[name as 'kari']
        // A person of another organisation signs for theirs.
        const statement = name === 'stranger' ? 'statement_invalid' : undefined
        for (const [index, kind] of kinds.entries()) {
          const found = await outcome(person, kind)
          expect(found, `${status} ${name} ${kind}`).toBe(statement ?? outcomes[index])
        }
      }
    })

    it('not somebody of another organisation, whatever they sign', async () => {
      const rfxId = await projectAt('in_review')
      const body = await makeEntry(api, cast.kari, rfxId, comment, {
        author: signerOf(cast.stranger),
        organizationId: cast.stranger.claims.organization,
      })
      expect(await add(cast.stranger, rfxId, body)).toMatchObject({ status: 404, code: 'not_found' })
    })

    it('not whoever was excluded, or has no device, or no session any more', async () => {
      const { kari, silje, organization } = cast
      const rfxId = await projectAt('in_review')
      await exclude(rfxId, cast.developer)
      expect(await list(cast.developer, rfxId)).toMatchObject({ status: 404, code: 'not_found' })
      const excluded = await makeEntry(api, kari, rfxId, comment, { author: signerOf(cast.developer) })
      expect(await add(cast.developer, rfxId, excluded)).toMatchObject({ code: 'not_found' })

      const body = await makeEntry(api, silje, await projectAt('draft'), comment)
      const bare = await logIn(database, organization, silje.id)
      expect(await add(bare, rfxId, body)).toMatchObject({ status: 403, code: 'device_required' })
      await sql`update nokkel.session set ended_at = now(), ended_reason = 'signed_out'
        where id = ${bare.claims.sid}::uuid`.execute(database.owner)
      expect(await add(bare, rfxId, body)).toMatchObject({ status: 401, code: 'session_ended' })
    })
  })

  it('is read by every member, newest first, in pages', async () => {
    const { kari, developer, bjorn } = cast
    const rfxId = await projectAt('approved')
    await writeEntry(api, kari, rfxId, { kind: 'comment', plaintext: text('en') })
    await writeEntry(api, developer, rfxId, { kind: 'comment', plaintext: text('to') })
    await writeEntry(api, bjorn, rfxId, { kind: 'comment', plaintext: text('tre') })
    const { entries } = (await list(bjorn, rfxId)).body as { entries: RfxEntry[] }
    expect(entries.map(({ sequence, kind, revision }) => [sequence, kind, revision])).toEqual([
      [4, 'comment', 1],
      [3, 'comment', 1],
      [2, 'comment', 1],
      [1, 'title', 1],
    ])
    for (const reader of [kari, developer, bjorn]) {
      expect(await Promise.all(entries.slice(0, 3).map((entry) => textOf(reader, rfxId, entry)))).toEqual([
        'tre',
        'to',
        'en',
      ])
    }
    const page = (await list(bjorn, rfxId, { before: '4', limit: '2' })).body.entries
    expect(page).toEqual(entries.slice(1, 3))
    const one = await api.call(contract.getRfxEntry, bjorn.claims, { params: { id: rfxId, sequence: 3 } })
    expect(one.body).toEqual(entries[1])
    const missing = { params: { id: rfxId, sequence: 5 } }
    expect(await api.call(contract.getRfxEntry, bjorn.claims, missing)).toMatchObject({ code: 'not_found' })
    for (const person of [cast.outsider, cast.stranger]) {
      const first = { params: { id: rfxId, sequence: 1 } }
      expect(await api.call(contract.getRfxEntry, person.claims, first)).toMatchObject({ code: 'not_found' })
      expect(await list(person, rfxId)).toMatchObject({ code: 'not_found' })
    }
    for (const sequence of ['0', '2147483648', 'x']) {
      const params = { id: rfxId, sequence }
      expect(await api.call(contract.getRfxEntry, bjorn.claims, { params })).toMatchObject({ status: 400 })
    }
  })

  it('tells suppliers no names of other suppliers', async () => {
    const { kari, developer, bjorn, berit, aile } = cast
    const rfxId = await projectAt('approved')
    for (const author of [kari, developer, bjorn, aile]) await writeEntry(api, author, rfxId, comment)
    const authors = async (person: RfxPerson) =>
      (await list(person, rfxId)).body.entries.map(({ author }: RfxEntry) => [author.name, author.role])
    const [aileIs, bjornIs, developerIs, kariIs] = [
      ['Áile Sara', 'supplier'],
      ['Bjørn Haugen', 'supplier'],
      ['Marit Strand', 'developer'],
      ['Kari Nordmann', 'buyer'],
    ]
    const nobody = [null, 'supplier']
    expect(await authors(kari)).toEqual([aileIs, bjornIs, developerIs, kariIs, kariIs])
    expect(await authors(developer)).toEqual([aileIs, bjornIs, developerIs, kariIs, kariIs])
    expect(await authors(berit)).toEqual([nobody, bjornIs, developerIs, kariIs, kariIs])
    expect(await authors(aile)).toEqual([aileIs, nobody, developerIs, kariIs, kariIs])
    await exclude(rfxId, bjorn)
    expect((await authors(aile))[1]).toEqual([null, null])
    expect((await authors(kari))[1]).toEqual(['Bjørn Haugen', null])
  })

  it('says nothing of people who wrote nothing, but to buyers, developers and their own company', async () => {
    const { kari, silje, developer, bjorn, berit, aile, outsider } = cast
    const rfxId = await projectAt('approved')
    await writeEntry(api, developer, rfxId, comment)
    const people = [kari, silje, developer, bjorn, berit, aile, outsider].map(({ id }) => id)
    const known = async ({ claims }: RfxPerson) => {
      const { rows } = await withClaims(database.server, claims, (transaction) =>
        sql<{ id: string; role: string }>`
          select id, role from nokkel.rfx_people(${rfxId}::uuid, ${people}::uuid[])`.execute(transaction),
      )
      return rows.map(({ id }) => id).sort()
    }
    const all = [kari, silje, developer, bjorn, berit, aile].map(({ id }) => id).sort()
    for (const person of [kari, developer]) expect(await known(person)).toEqual(all)
    expect(await known(aile)).toEqual([kari.id, developer.id, aile.id].sort())
    expect(await known(bjorn)).toEqual([kari.id, developer.id, bjorn.id, berit.id].sort())
    expect(await known(outsider)).toEqual([])
  })

  describe('the next entry', () => {
    let rfxId: string
    beforeAll(async () => {
      rfxId = await projectAt('in_review')
    })
    const count = async () => (await list(cast.kari, rfxId)).body.entries.length

    it('changes nothing when it is given again, and is recorded once', async () => {
      const { kari } = cast
      const body = await makeEntry(api, kari, rfxId, comment)
      const first = await add(kari, rfxId, body)
      expect(first.status).toBe(201)
      expect(await add(kari, rfxId, body)).toEqual(first)
      await writeEntry(api, cast.silje, rfxId, comment)
      expect(await add(kari, rfxId, body)).toEqual(first)
      const records = await readAudit(database)
      const subject = `${rfxId}/${body.sequence}`
      expect(records.filter((record) => record.subject === subject)).toEqual([
        { user: kari.id, action: 'rfx_entry.comment', subject, outcome: 'allowed', problem: null },
      ])
    })

    it('is not given again by somebody else', async () => {
      const body = await makeEntry(api, cast.kari, rfxId, comment)
      expect((await add(cast.kari, rfxId, body)).status).toBe(201)
      expect(await add(cast.silje, rfxId, body)).toMatchObject({ status: 400, code: 'statement_invalid' })
    })

    it('is one of two that are written at once', async () => {
      const { kari, silje } = cast
      const before = await count()
      const bodies = await Promise.all([kari, silje].map((author) => makeEntry(api, author, rfxId, comment)))
      const outcomes = await Promise.all([add(kari, rfxId, bodies[0]), add(silje, rfxId, bodies[1])])
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual([201, 409])
      const refused = outcomes.find(({ status }) => status === 409)
      expect(refused).toMatchObject({ code: 'sequence_stale', data: { sequence: bodies[0]?.sequence } })
      expect(await count()).toBe(before + 1)
    })

    it('leaves out none and names the one before', async () => {
      const { kari } = cast
      const before = await count()
      const { sequence } = await makeEntry(api, kari, rfxId, comment)
      const wrong = [
        { sequence: sequence + 1 },
        { sequence: sequence - 1 },
        { previous: crypto.getRandomValues(new Uint8Array(32)) },
      ]
      for (const changed of wrong) {
        const body = await makeEntry(api, kari, rfxId, comment, changed)
        expect(await add(kari, rfxId, body)).toMatchObject({ status: 409, code: 'sequence_stale' })
      }
      expect(await count()).toBe(before)
    })

    it('has the next revision of what it is about', async () => {
      const { kari } = cast
      const stale = [
        [{ kind: 'title', revision: 1, plaintext: text('1') } as const, 1],
        [{ kind: 'title', revision: 3, plaintext: text('3') } as const, 1],
        [{ kind: 'specification', revision: 2, plaintext: text('2') } as const, 0],
        [{ kind: 'comment', revision: 2, plaintext: text('2') } as const, 0],
      ] as const
      for (const [options, revision] of stale) {
        const refused = await add(kari, rfxId, await makeEntry(api, kari, rfxId, options))
        expect(refused).toMatchObject({ status: 409, code: 'revision_stale', data: { revision } })
      }
      const huge = await makeEntry(api, kari, rfxId, { ...comment, revision: 2 ** 31 })
      expect(await add(kari, rfxId, huge)).toMatchObject({ status: 400, code: 'statement_invalid' })
      for (const revision of [2, 3]) {
        const title = await writeEntry(api, kari, rfxId, { kind: 'title', plaintext: text('tittel') })
        expect(title).toMatchObject({ kind: 'title', objectId: rfxId, revision })
      }
    })

    it('tells which title and specification hold', async () => {
      const { kari } = cast
      const title = await writeEntry(api, kari, rfxId, { kind: 'title', plaintext: text('tittel') })
      for (const current of [
        { title: title.sequence - 1, specification: 0 },
        { title: 0, specification: 0 },
        { title: title.sequence, specification: title.sequence },
      ]) {
        const body = await makeEntry(api, kari, rfxId, comment, { current })
        expect(await add(kari, rfxId, body)).toMatchObject({ status: 400, code: 'statement_invalid' })
      }
    })

    it('is under the present version of a key that everyone in the project may have', async () => {
      const { kari, developer } = cast
      const id = await projectAt('in_review')
      const early = await makeEntry(api, kari, id, comment)
      const future = await makeEntry(api, kari, id, comment, { version: 2 })
      expect(await add(kari, id, future)).toMatchObject({ status: 409, code: 'version_stale', data: { version: 1 } })
      await exclude(id, developer)
      expect(await add(kari, id, early)).toMatchObject({ status: 409, code: 'rekey_pending' })
      await rekey(api, kari, id)
      expect(await add(kari, id, early)).toMatchObject({ status: 409, code: 'version_stale', data: { version: 2 } })
      expect((await add(kari, id, await makeEntry(api, kari, id, comment))).status).toBe(201)
    })

    it('is what the device of the session has signed', async () => {
      const { kari, silje, outsider } = cast
      const before = await count()
      const { signing } = await generateDeviceKeys()
      const otherDevice = crypto.randomUUID()
      const changes: Parameters<typeof makeEntry>[4][] = [
        { author: signerOf(silje) },
        { author: { ...signerOf(kari), signing } },
        { author: { ...signerOf(kari), deviceId: otherDevice } },
        { author: { ...signerOf(kari), userId: silje.id } },
        { organizationId: outsider.id },
        { rfxId: await projectAt('draft') },
      ]
      for (const changed of changes) {
        const body = await makeEntry(api, kari, rfxId, comment, changed)
        expect(await add(kari, rfxId, body)).toMatchObject({ status: 400, code: 'statement_invalid' })
      }
      const body = await makeEntry(api, kari, rfxId, comment)
      expect(await add(silje, rfxId, body)).toMatchObject({ status: 400, code: 'statement_invalid' })
      expect(await count()).toBe(before)
    })

    it('is what came with it, whole', async () => {
      const { kari } = cast
      const before = await count()
      const body = await makeEntry(api, kari, rfxId, comment)
      const other = await makeEntry(api, kari, rfxId, { ...comment, plaintext: text('noe annet') })
      const content = body.content ?? ''
      const [head, payload, signature] = body.statement.split('.') as [string, string, string]
      const refused: [Partial<Record<keyof NewEntry, unknown>>, string][] = [
        [{ content: other.content }, 'statement_invalid'],
        [{ content: content.slice(0, -4) }, 'statement_invalid'],
        [{ content: content.slice(0, 63) }, 'request_malformed'],
        [{ content: null, wrappedKey: null }, 'statement_invalid'],
        [{ content: null }, 'request_malformed'],
        [{ wrappedKey: null }, 'request_malformed'],
        [{ wrappedKey: (body.wrappedKey ?? '').slice(0, -4) }, 'request_malformed'],
        [{ wrappedKey: `${body.wrappedKey}AAAA` }, 'request_malformed'],
        [{ wrappedKey: `${(body.wrappedKey ?? '').slice(0, -1)}_` }, 'request_malformed'],
        [{ sequence: body.sequence + 1 }, 'statement_invalid'],
        [{ sequence: 2 ** 31 }, 'request_malformed'],
        [{ version: 2 ** 31 }, 'request_malformed'],
        [{ version: 0 }, 'request_malformed'],
        [{ statement: `${head}.${payload}.${signature.slice(0, -4)}` }, 'statement_invalid'],
        [{ statement: `${head}.${other.statement.split('.')[1]}.${signature}` }, 'statement_invalid'],
        [{ statement: `${head}.${payload}` }, 'request_malformed'],
        [{ statement: (await makeProject(api, kari, cast.companies.buyer)).manifest.statement }, 'statement_invalid'],
        [{ blobs: [crypto.randomUUID()] }, 'request_malformed'],
        [{ blobs: undefined }, 'request_malformed'],
      ]
      for (const [changed, code] of refused) {
        const answer = await add(kari, rfxId, { ...body, ...changed })
        expect(answer, JSON.stringify(changed).slice(0, 100)).toMatchObject({ status: 400, code })
      }
      const large = await makeEntry(api, kari, rfxId, { kind: 'comment', plaintext: new Uint8Array(1_048_576 - 47) })
      expect(await add(kari, rfxId, large)).toMatchObject({ status: 400, code: 'request_malformed' })
      const larger = await makeEntry(api, kari, rfxId, { kind: 'comment', plaintext: new Uint8Array(1_200_000) })
      expect(await add(kari, rfxId, larger)).toMatchObject({ status: 413, code: 'body_too_large' })
      expect(await count()).toBe(before)
      const largest = await makeEntry(api, kari, rfxId, { kind: 'comment', plaintext: new Uint8Array(1_048_576 - 48) })
      expect((await add(kari, rfxId, largest)).status).toBe(201)
    })

    it('is a title when it is the first', async () => {
      const { kari, companies } = cast
      const made = await makeProject(api, kari, companies.buyer)
      const other = await createProject(api, kari, companies.buyer)
      const body = await makeEntry(api, kari, other, comment, {
        rfxId: made.id,
        sequence: 1,
        previous: null,
        current: { title: 0, specification: 0 },
      })
      const answer = await api.call(contract.createRfx, kari.claims, { body: { ...made, title: body } })
      expect(answer).toMatchObject({ status: 400, code: 'statement_invalid' })
      expect((await api.call(contract.createRfx, kari.claims, { body: made })).status).toBe(201)
    })

    it('does not change what somebody said', async () => {
      const { kari, silje } = cast
      const { objectId: object } = await writeEntry(api, kari, rfxId, comment)
      const before = await count()
      const again = { kind: 'comment', object, revision: 2, plaintext: text('endret') } as const
      for (const author of [silje, kari]) {
        const body = await makeEntry(api, author, rfxId, again)
        expect(await add(author, rfxId, body)).toMatchObject({ status: 409, code: 'conflict' })
      }
      expect(await count()).toBe(before)
    })
  })

  describe('documents', () => {
    let rfxId: string
    beforeAll(async () => {
      rfxId = await projectAt('approved')
    })

    it('have their file until another revision or their removal', async () => {
      const { kari, bjorn, silje } = cast
      const first = await documentOf(kari)
      const { objectId: object } = await writeEntry(api, kari, rfxId, first)
      expect(await chunkOf(bjorn, first.blobs[0] ?? '')).toBe(200)
      const second = { ...(await documentOf(silje)), object, revision: 2 }
      await writeEntry(api, silje, rfxId, second)
      expect(await chunkOf(bjorn, first.blobs[0] ?? '')).toBe(404)
      expect(await chunkOf(bjorn, second.blobs[0] ?? '')).toBe(200)
      const removal = { kind: 'removal', object, revision: 3, plaintext: null } as const
      expect(await writeEntry(api, kari, rfxId, removal)).toMatchObject({ content: null, wrappedKey: null })
      expect(await chunkOf(kari, second.blobs[0] ?? '')).toBe(404)
      const { rows } = await sql`select from public.blob where object_id = ${object}::uuid`.execute(database.owner)
      expect(rows).toEqual([])

      const after = [
        { ...(await documentOf(kari)), object, revision: 4 },
        { ...removal, revision: 4 },
      ]
      for (const options of after) {
        const body = await makeEntry(api, kari, rfxId, options)
        expect(await add(kari, rfxId, body)).toMatchObject({ status: 404, code: 'not_found' })
      }
    })

    it('are removed only where they are', async () => {
      const { kari } = cast
      const { objectId } = await writeEntry(api, kari, rfxId, comment)
      for (const [object, revision] of [
        [crypto.randomUUID(), 1],
        [objectId, 1],
        [rfxId, 1],
      ] as const) {
        const body = await makeEntry(api, kari, rfxId, { kind: 'removal', object, revision, plaintext: null })
        expect(await add(kari, rfxId, body)).toMatchObject({ status: 404, code: 'not_found' })
      }
    })

    it('come with one file of their author that is all here', async () => {
      const { kari, silje } = cast
      const { blobs: foreign } = await documentOf(silje)
      const { blobs: attached } = await documentOf(kari)
      await writeEntry(api, kari, rfxId, { kind: 'document', plaintext: text('tegning'), blobs: attached })
      const announced = crypto.randomUUID()
      await answerOf(api, contract.createBlob, kari, { body: { id: announced, byteLength: 56, chunkCount: 1 } })
      const before = (await list(kari, rfxId)).body.entries.length
      for (const blob of [...foreign, ...attached, announced, crypto.randomUUID()]) {
        const options = { kind: 'document', plaintext: text('tegning'), blobs: [blob] } as const
        const answer = await add(kari, rfxId, await makeEntry(api, kari, rfxId, options))
        expect(answer).toMatchObject({ status: 409, code: 'blob_incomplete', data: { blobIds: [blob] } })
      }
      const none = await makeEntry(api, kari, rfxId, { kind: 'document', plaintext: text('tegning') })
      expect(await add(kari, rfxId, none)).toMatchObject({ status: 400, code: 'request_malformed' })
      const two = { ...none, blobs: [crypto.randomUUID(), crypto.randomUUID()] }
      expect(await add(kari, rfxId, two)).toMatchObject({ status: 400, code: 'request_malformed' })
      expect((await list(kari, rfxId)).body.entries).toHaveLength(before)
      expect(await chunkOf(silje, foreign[0] ?? '')).toBe(200)
      expect(await chunkOf(kari, foreign[0] ?? '')).toBe(404)
    })

    it('keep the file of the revision before when the next is refused', async () => {
      const { kari } = cast
      const first = await documentOf(kari)
      const { objectId: object } = await writeEntry(api, kari, rfxId, first)
      const missing = { kind: 'document', object, revision: 2, plaintext: text('ny'), blobs: [crypto.randomUUID()] }
      const body = await makeEntry(api, kari, rfxId, missing as typeof missing & { kind: 'document' })
      expect(await add(kari, rfxId, body)).toMatchObject({ code: 'blob_incomplete' })
      expect(await chunkOf(kari, first.blobs[0] ?? '')).toBe(200)
    })

    it('are closed to whoever is not in the project, and to whoever has left it', async () => {
      const { kari, silje, developer, bjorn, outsider, stranger } = cast
      const id = await projectAt('approved')
      const { blobs } = await documentOf(silje)
      const [blob = ''] = blobs
      await writeEntry(api, silje, id, { kind: 'document', plaintext: text('tegning'), blobs })
      for (const person of [kari, silje, developer, bjorn]) expect(await chunkOf(person, blob)).toBe(200)
      for (const person of [outsider, stranger]) expect(await chunkOf(person, blob)).toBe(404)
      const put = () =>
        api.call(contract.putBlobChunk, silje.claims, { params: { id: blob, index: 0 }, bytes: new Uint8Array(56) })
      expect(await put()).toMatchObject({ status: 409, code: 'blob_sealed' })
      for (const person of [bjorn, developer, silje]) {
        await exclude(id, person)
        expect(await chunkOf(person, blob)).toBe(404)
      }
      expect(await put()).toMatchObject({ status: 404, code: 'not_found' })
    })

    it('keep their file while it is on its way and the key gets a new version', async () => {
      const { kari, developer } = cast
      const id = await projectAt('in_review')
      const blob = crypto.randomUUID()
      const file = { body: { id: blob, byteLength: 983_092, chunkCount: 1 } }
      const announced = await api.call(contract.createBlob, kari.claims, file)
      expect(announced.status).toBe(201)
      await exclude(id, developer)
      await rekey(api, kari, id)
      const again = await api.call(contract.createBlob, kari.claims, file)
      expect(again).toEqual(announced)
      const put = { params: { id: blob, index: 0 }, bytes: new Uint8Array(983_092) }
      expect((await api.call(contract.putBlobChunk, kari.claims, put)).status).toBe(204)
      await writeEntry(api, kari, id, { kind: 'document', plaintext: text('stor'), blobs: [blob] })
      expect(await chunkOf(kari, blob)).toBe(200)
    })
  })

  describe('content keys', () => {
    const stale = ({ claims }: RfxPerson, id: string, query: Record<string, string> = {}) =>
      api.call(contract.listStaleContentKeys, claims, { params: { id }, query })
    const move = ({ claims }: RfxPerson, id: string, body: unknown) =>
      api.call(contract.moveContentKeys, claims, { params: { id }, body })

    async function projectWithStale(entries: number): Promise<string> {
      const id = await projectAt('approved')
      for (let count = 0; count < entries; count++) await writeEntry(api, cast.kari, id, comment)
      await exclude(id, cast.berit)
      await rekey(api, cast.kari, id)
      return id
    }

    it('follow the key, and open as before', async () => {
      const { kari, developer, bjorn } = cast
      const id = await projectWithStale(3)
      const before = (await list(bjorn, id)).body.entries as RfxEntry[]
      expect(before.map(({ version }) => version)).toEqual([1, 1, 1, 1])
      const { keys } = (await stale(developer, id)).body
      expect(keys.map(({ sequence, version }: RfxEntry) => [sequence, version])).toEqual(
        [1, 2, 3, 4].map((at) => [at, 1]),
      )
      expect((await stale(kari, id, { after: '1', limit: '2' })).body.keys).toEqual(keys.slice(1, 3))
      expect(await moveContentKeys(api, developer, id)).toBe(4)
      const after = (await list(bjorn, id)).body.entries as RfxEntry[]
      expect(after.map(({ version }) => version)).toEqual([2, 2, 2, 2])
      expect(after.map(({ content, statement }) => [content, statement])).toEqual(
        before.map(({ content, statement }) => [content, statement]),
      )
      expect(await textOf(bjorn, id, after[0] as RfxEntry)).toBe('Er det plass til kran?')
      expect((await stale(kari, id)).body.keys).toEqual([])
      expect(await moveContentKeys(api, kari, id)).toBe(0)
      const { rekeyPending, stale: left } = await answerOf(api, contract.getRfx, kari, { params: { id } })
      expect([rekeyPending, left]).toEqual([false, 0])
    })

    it('stay for thirty days as they stood before, the oldest of them, whatever they are moved to', async () => {
      const { kari } = cast
      const id = await projectWithStale(1)
      const entry = async () => (await list(kari, id)).body.entries[0] as RfxEntry
      const before = await entry()
      expect(before.replaced).toBeNull()
      const junk = async () => {
        const { version } = (await openGroup(api, kari, id)).group
        const keys = (await stale(kari, id)).body.keys.map(({ sequence, wrappedKey }: RfxEntry) => ({
          sequence,
          old: wrappedKey,
          new: encodeBase64Url(crypto.getRandomValues(new Uint8Array(80))),
        }))
        expect(await move(kari, id, { version, keys })).toMatchObject({ body: { moved: keys.length } })
      }
      const first = { version: 1, wrappedKey: before.wrappedKey }
      await junk()
      expect(await entry()).toMatchObject({ version: 2, replaced: first })
      await rekey(api, kari, id)
      await junk()
      expect(await entry()).toMatchObject({ version: 3, replaced: first })
      expect(await textOf(kari, id, { ...(await entry()), ...first })).toBe('Er det plass til kran?')
      await sql`select nokkel.sweep()`.execute(database.server)
      expect((await entry()).replaced).toEqual(first)
      const age = sql`update public.rfx_entry set replaced_at = now() - interval '31 days' where rfx_id = ${id}::uuid`
      await age.execute(database.owner)
      const { wrappedKey } = await entry()
      await rekey(api, kari, id)
      await junk()
      expect((await entry()).replaced).toEqual({ version: 3, wrappedKey })
      await age.execute(database.owner)
      await sql`select nokkel.sweep()`.execute(database.server)
      expect((await entry()).replaced).toBeNull()
    })

    it('are moved once, from what stands there, by two at once too', async () => {
      const { kari, silje } = cast
      const id = await projectWithStale(2)
      const first = await makeMoves(api, kari, id)
      const second = await makeMoves(api, silje, id)
      const foreign = encodeBase64Url(crypto.getRandomValues(new Uint8Array(80)))
      const [one, two, three] = first.keys as [(typeof first.keys)[0], (typeof first.keys)[0], (typeof first.keys)[0]]
      const nothing = [
        [{ ...one, old: foreign }],
        [{ ...one, old: two.old }],
        [{ ...one, sequence: 99 }],
        [{ ...one, old: one.new }],
      ]
      for (const keys of nothing) expect((await move(kari, id, { ...first, keys })).body).toEqual({ moved: 0 })
      expect((await stale(kari, id)).body.keys).toHaveLength(3)
      expect((await move(kari, id, { ...first, keys: [one] })).body).toEqual({ moved: 1 })
      const outcomes = await Promise.all([move(kari, id, { ...first, keys: [two, three] }), move(silje, id, second)])
      expect(outcomes.map(({ status }) => status)).toEqual([200, 200])
      expect(outcomes.reduce((sum, { body }) => sum + body.moved, 0)).toBe(2)
      const { entries } = (await list(kari, id)).body as { entries: RfxEntry[] }
      for (const entry of entries.slice(0, 2)) expect(await textOf(silje, id, entry)).toBe('Er det plass til kran?')
    })

    it('are moved by those who may wrap the key, to its present version', async () => {
      const { kari, bjorn, berit, outsider, stranger, developer } = cast
      const id = await projectWithStale(1)
      const body = await makeMoves(api, kari, id)
      for (const [person, status, code] of [
        [bjorn, 403, 'forbidden'],
        [berit, 404, 'not_found'],
        [outsider, 404, 'not_found'],
        [stranger, 404, 'not_found'],
      ] as const) {
        expect(await stale(person, id)).toMatchObject({ status, code })
        expect(await move(person, id, body)).toMatchObject({ status, code })
      }
      for (const version of [1, 3]) {
        const answer = await move(kari, id, { ...body, version })
        expect(answer).toMatchObject({ status: 409, code: 'version_stale', data: { version: 2 } })
      }
      const [key] = body.keys
      const wrong = [
        { ...body, keys: [] },
        { ...body, keys: [{ ...key, new: (key?.new ?? '').slice(0, -4) }] },
        { ...body, keys: [{ ...key, new: `${key?.new}AAAA` }] },
        { ...body, keys: [{ ...key, sequence: 2 ** 31 }] },
        { ...body, keys: Array.from({ length: 1001 }, () => key) },
      ]
      for (const malformed of wrong) {
        expect(await move(kari, id, malformed)).toMatchObject({ status: 400, code: 'request_malformed' })
      }
      expect((await stale(developer, id)).body.keys).toHaveLength(2)
      const refusals = (await readAudit(database)).filter(
        ({ action, subject, outcome }) =>
          action === 'rfx_entry.rewrap' && subject.startsWith(id) && outcome === 'refused',
      )
      expect(refusals.map(({ problem }) => problem)).toEqual([
        'forbidden',
        'not_found',
        'not_found',
        'not_found',
        'version_stale',
        'version_stale',
      ])
    })
  })
})

import * as contract from '@nokkel/contract'
import { encodeBase64, generateRfxKey } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { readAudit } from '../../../../tools/testing/managed-keys.ts'
import { equip, logIn } from '../../../../tools/testing/people.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import {
  distribute,
  type GroupKey,
  openGroup,
  rekey,
  signWraps,
  targetOf,
  type WrapTarget,
} from '../../../../tools/testing/rfx/keys.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import { createGroup, createProject } from '../../../../tools/testing/rfx/projects.ts'
import { isRekeyPending, readFaults, readWraps } from '../../../../tools/testing/rfx/rows.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { toServerError } from '../db/refusal.ts'
import { withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'

describe.each(databaseEngines)('handing out keys of projects [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: RfxCast
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    cast = await createRfxCast(database, api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const add = ({ claims }: RfxPerson, id: string, body: unknown) =>
    api.call(contract.addRfxWraps, claims, { params: { id }, body })
  const recipients = async ({ claims }: RfxPerson, id: string, query: Record<string, string> = {}) =>
    api.call(contract.listRfxRecipients, claims, { params: { id }, query })
  const statesOf = async (person: RfxPerson, id: string) =>
    ((await recipients(person, id)).body.recipients as contract.RfxRecipient[]).map(
      ({ owner, ownerId, role, state }) => `${owner} ${ownerId} ${role} ${state}`,
    )

  /** A draft that only the buyer has the key of, and what the next revision of it needs. */
  async function draft() {
    const { buyer, company } = cast
    const id = await createProject(api, buyer, company)
    return { id, ...(await placeIn(buyer, id)) }
  }
  async function placeIn(person: RfxPerson, id: string) {
    const { group, key } = await openGroup(api, person, id)
    const { digest } = (
      await sql<{ digest: Uint8Array }>`select digest from public.rfx_manifest
        where rfx_id = ${id}::uuid and version = ${group.version}::integer order by revision desc limit 1`.execute(
        database.owner,
      )
    ).rows[0] ?? { digest: new Uint8Array() }
    const { kind, version } = group
    const of: GroupKey = { organizationId: cast.organization, groupId: id, kind, version, key }
    return { of, place: { revision: group.manifest.length + 1, previous: new Uint8Array(digest) } }
  }
  async function sign(person: RfxPerson, { of, place }: Awaited<ReturnType<typeof placeIn>>, targets: WrapTarget[]) {
    const { statement, wraps } = await signWraps(person, of, place, targets)
    return { statement, wraps }
  }

  it('goes to the people and the company of the buyer, then to reviewers, then to suppliers', async () => {
    const { buyer, colleague, another, developer, reviewer, supplier, supplierColleague } = cast
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const buyers = [buyer, colleague, another].map((person) => `user ${person.id}`)
    expect(await readWraps(database, id)).toEqual([...buyers, `company ${cast.company}`].sort())
    await api.call(contract.changeRfxStatus, buyer.claims, { params: { id }, body: { status: 'in_review' } })
    expect(await distribute(api, colleague, id)).toBe(2)
    expect((await statesOf(developer, id)).filter((state) => state.includes('developer')).sort()).toEqual(
      [developer, reviewer].map((person) => `user ${person.id} developer wrapped`).sort(),
    )
    await api.call(contract.changeRfxStatus, developer.claims, { params: { id }, body: { status: 'approved' } })
    expect(await distribute(api, developer, id)).toBe(3)
    const suppliers = [supplier, supplierColleague].map((person) => `user ${person.id} supplier wrapped`)
    const states = await statesOf(buyer, id)
    expect(states.filter((state) => state.includes('supplier'))).toEqual(
      expect.arrayContaining([...suppliers, `company ${cast.supplierCompany} supplier wrapped`]),
    )
    expect(await readFaults(database, id)).toEqual([])
    for (const person of [buyer, colleague, developer, reviewer, supplier]) {
      expect((await openGroup(api, person, id)).key).toEqual((await openGroup(api, buyer, id)).key)
    }
  })

  it('lists people first, in pages, with who waits and who has no key', async () => {
    const { buyer, colleague, another, company, organization } = cast
    const keyless = await createRfxPerson(database, api, organization, { name: 'Astrid Bakken' })
    await sql`delete from public.user_key where user_id = ${keyless.id}::uuid`.execute(database.owner)
    await sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${company}::uuid, ${organization}::uuid, ${keyless.id}::uuid)`.execute(database.owner)
    const { id } = await draft()
    const people = [buyer, colleague, another, keyless].map((person) => person.id).sort()
    const first = await recipients(buyer, id, { limit: '3' })
    expect(first.body.coverage).toEqual({ wrapped: 1, missing: 3, noKey: 1 })
    const rest = await recipients(buyer, id, { limit: '3', cursor: first.body.nextCursor })
    expect(rest.body).not.toHaveProperty('coverage')
    expect(rest.body).not.toHaveProperty('nextCursor')
    const all: contract.RfxRecipient[] = [...first.body.recipients, ...rest.body.recipients]
    expect(all.map(({ ownerId }) => ownerId)).toEqual([...people, company])
    expect(all.find(({ ownerId }) => ownerId === keyless.id)).toEqual({
      owner: 'user',
      ownerId: keyless.id,
      name: 'Astrid Bakken',
      role: 'buyer',
      companyId: company,
      state: 'no_key',
      key: null,
      signed: null,
      formerIds: [],
    })
    const missing = await recipients(buyer, id, { only: 'missing' })
    expect(missing.body.recipients.map(({ ownerId }: { ownerId: string }) => ownerId)).toEqual([
      ...[colleague.id, another.id].sort(),
      company,
    ])
    await sql`delete from public.company_member where user_id = ${keyless.id}::uuid`.execute(database.owner)
  })

  it('is only shown to and done by those who may', async () => {
    const { buyer, developer, supplier, outsider, stranger, rival } = cast
    const id = await createProjectOf(api, cast)
    await sql`delete from public.rfx_key_members where rfx_id = ${id}::uuid and user_id = ${cast.another.id}::uuid`.execute(
      database.owner,
    )
    const position = await placeIn(buyer, id)
    const target = await targetOf(api, cast.another, 'buyer')
    for (const [person, code] of [
      [supplier, 'forbidden'],
      [rival, 'not_found'],
      [outsider, 'not_found'],
      [stranger, 'not_found'],
    ] as const) {
      expect(await recipients(person, id)).toMatchObject({ code })
      expect(await add(person, id, await sign(person, position, [target]))).toMatchObject({ code })
    }
    expect(await add(developer, id, await sign(developer, position, [target]))).toMatchObject({ status: 200 })
    const refused = (await readAudit(database)).filter(
      ({ subject, outcome }) => subject === id && outcome === 'refused',
    )
    expect(refused.map(({ user, action, problem }) => [user, action, problem])).toEqual([
      [supplier.id, 'rfx_key.wrap', 'forbidden'],
      [rival.id, 'rfx_key.wrap', 'not_found'],
      [outsider.id, 'rfx_key.wrap', 'not_found'],
      [stranger.id, 'rfx_key.wrap', 'not_found'],
    ])
  })

  it('changes nothing the second time', async () => {
    const { buyer, colleague } = cast
    const { id, ...position } = await draft()
    const body = await sign(buyer, position, [await targetOf(api, colleague, 'buyer')])
    for (const _ of [1, 2])
      expect(await add(buyer, id, body)).toEqual({ status: 200, body: { version: 1, revision: 2 } })
    const { rows } = await sql`select from public.rfx_manifest where rfx_id = ${id}::uuid`.execute(database.owner)
    expect(rows).toHaveLength(2)
    await rekey(api, buyer, id)
    expect(await add(buyer, id, body)).toMatchObject({ status: 200 })
    expect((await openGroup(api, buyer, id)).group.version).toBe(2)
  })

  it('refuses a revision whose place is taken, or that does not follow the last', async () => {
    const { buyer, colleague, another } = cast
    const { id, of, place } = await draft()
    const [first, second] = [await targetOf(api, colleague, 'buyer'), await targetOf(api, another, 'buyer')]
    const stale = await sign(buyer, { of, place }, [second])
    expect(await add(buyer, id, await sign(buyer, { of, place }, [first]))).toMatchObject({ status: 200 })
    expect(await add(buyer, id, stale)).toMatchObject({ status: 409, code: 'manifest_stale', data: { revision: 2 } })
    const next = await placeIn(buyer, id)
    const wrongs = [
      { revision: 4, previous: next.place.previous },
      { revision: 3, previous: place.previous },
    ]
    for (const wrong of wrongs) {
      expect(await add(buyer, id, await sign(buyer, { of, place: wrong }, [second]))).toMatchObject({
        code: 'manifest_stale',
      })
    }
    expect(await add(buyer, id, await sign(buyer, next, [second]))).toMatchObject({ status: 200 })
  })

  it('refuses another version, and what commits to another key', async () => {
    const { buyer, colleague } = cast
    const { id, of, place } = await draft()
    const target = await targetOf(api, colleague, 'buyer')
    const later = await sign(buyer, { of: { ...of, version: 2 }, place }, [target])
    expect(await add(buyer, id, later)).toMatchObject({ status: 409, code: 'version_stale', data: { version: 1 } })
    const other = await sign(buyer, { of: { ...of, key: generateRfxKey() }, place }, [target])
    expect(await add(buyer, id, other)).toMatchObject({ status: 400, code: 'statement_invalid' })
    await rekey(api, buyer, id)
    expect(await add(buyer, id, await sign(buyer, { of, place }, [target]))).toMatchObject({
      code: 'version_stale',
      data: { version: 2 },
    })
  })

  it('refuses recipients who are not in the group, or have another key by now, or have it already', async () => {
    const { buyer, colleague, another, supplier, outsider, developer, stranger } = cast
    const { id, ...position } = await draft()
    const missing = await targetOf(api, colleague, 'buyer')
    const wrongs: WrapTarget[] = [
      await targetOf(api, outsider, 'buyer'),
      await targetOf(api, developer, 'developer'),
      await targetOf(api, supplier, 'supplier'),
      await targetOf(api, stranger, 'buyer'),
      await targetOf(api, buyer, 'buyer'),
      await targetOf(api, colleague, 'developer'),
      { ...missing, key: { ...missing.key, id: (await targetOf(api, another, 'buyer')).key.id } },
      { ...missing, key: { ...missing.key, thumbprint: 'A'.repeat(43) } },
      { ...missing, owner: 'company' },
      { ...missing, owner: 'company', ownerId: cast.supplierCompany, role: 'supplier' },
    ]
    for (const wrong of wrongs) {
      expect(await add(buyer, id, await sign(buyer, position, [wrong]))).toMatchObject({
        status: 409,
        code: 'recipients_changed',
        data: { ownerIds: [wrong.ownerId] },
      })
    }
    const both = await sign(buyer, position, [missing, wrongs[0] as WrapTarget])
    expect(await add(buyer, id, both)).toMatchObject({ data: { ownerIds: [outsider.id] } })
    const regenerated = await createRfxPerson(database, api, cast.organization)
    await sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${cast.company}::uuid, ${cast.organization}::uuid, ${regenerated.id}::uuid)`.execute(database.owner)
    const old = await targetOf(api, regenerated, 'buyer')
    const body = { action: 'encrypt', text: testPrivateKeys[2], replaces: old.key.id }
    expect(await api.call(contract.cryptoService, regenerated.claims, { body })).toMatchObject({ status: 200 })
    expect(await add(buyer, id, await sign(buyer, position, [old]))).toMatchObject({
      data: { ownerIds: [regenerated.id] },
    })
    expect(await readWraps(database, id)).toEqual([`user ${buyer.id}`])
    await sql`delete from public.company_member where user_id = ${regenerated.id}::uuid`.execute(database.owner)
  })

  it('refuses what is no wrap, and too many of them', async () => {
    const { buyer, colleague, another } = cast
    const { id, ...position } = await draft()
    const targets = [await targetOf(api, colleague, 'buyer'), await targetOf(api, another, 'buyer')]
    const { statement, wraps } = await sign(buyer, position, targets)
    const [wrap, other] = wraps as [contract.RfxWrap, contract.RfxWrap]
    const broken = (changed: Partial<contract.RfxWrap>) => ({ statement, wraps: [{ ...wrap, ...changed }, other] })
    for (const body of [
      { statement, wraps: [] },
      { statement, wraps: [wrap, wrap] },
      { statement, wraps: Array.from({ length: 501 }, () => wrap) },
      broken({ encryptedSymmetricKey: 'x'.repeat(684) }),
      broken({ encryptedSymmetricKey: `${wrap.encryptedSymmetricKey.slice(0, -4)}A===` }),
      broken({ encryptedSymmetricKey: encodeBase64(new Uint8Array(511)) }),
      broken({ encryptedSymmetricKey: encodeBase64(new Uint8Array(513)) }),
      broken({ encryptedSymmetricKey: `${wrap.encryptedSymmetricKey.slice(0, -1)}\0` }),
      broken({ thumbprint: `${wrap.thumbprint.slice(0, -1)}_` }),
      broken({ role: 'owner' as 'buyer' }),
    ]) {
      expect(await add(buyer, id, body)).toMatchObject({ status: 400, code: 'request_malformed' })
    }
    expect(await readWraps(database, id)).toEqual([`user ${buyer.id}`])
  })

  it('refuses what the device of the session has not signed as it is', async () => {
    const { buyer, colleague, another, company, organization } = cast
    const { id, of, place } = await draft()
    const target = await targetOf(api, colleague, 'buyer')
    const { statement, wraps } = await sign(buyer, { of, place }, [target])
    const [wrap] = wraps as [contract.RfxWrap]
    const foreign = await createProject(api, buyer, company)
    const otherDevice = await equip(database, await logIn(database, organization, colleague.id), { replaces: true })
    const withOther = { ...colleague, deviceId: otherDevice.deviceId, signing: otherDevice.keys.signing }
    const theirs = await sign(colleague, { of, place }, [target])
    for (const body of [
      { statement: theirs.statement, wraps: theirs.wraps },
      await sign(another, { of, place }, [target]),
      await sign({ ...buyer, deviceId: another.deviceId }, { of, place }, [target]),
      await sign({ ...buyer, signing: another.signing }, { of, place }, [target]),
      await sign({ ...buyer, id: another.id }, { of, place }, [target]),
      await sign(buyer, { of: { ...of, groupId: foreign }, place }, [target]),
      await sign(buyer, { of: { ...of, kind: 'bidder' }, place }, [target]),
      await sign(buyer, { of: { ...of, organizationId: crypto.randomUUID() }, place }, [target]),
      { statement, wraps: [{ ...wrap, role: 'supplier' }] },
      { statement, wraps: [{ ...wrap, encryptedSymmetricKey: encodeBase64(new Uint8Array(512)) }] },
      { statement, wraps: [wrap, { ...wrap, ownerId: another.id }] },
      { statement: `${statement.slice(0, -8)}AAAAAAAA`, wraps },
      { statement: (await createdStatement()) ?? '', wraps },
    ]) {
      expect(await add(buyer, id, body)).toMatchObject({ status: 400, code: 'statement_invalid' })
    }
    // The device that the session was bound to is not the one that is active now.
    expect(await add(colleague, id, theirs)).toMatchObject({ status: 401, code: 'device_superseded' })
    const unequipped = await logIn(database, organization, buyer.id)
    expect(await add({ ...buyer, claims: unequipped.claims }, id, { statement, wraps })).toMatchObject({
      code: 'device_required',
    })
    expect(await readWraps(database, id)).toEqual([`user ${buyer.id}`])
    cast = { ...cast, colleague: { ...withOther, claims: otherDevice.claims } }

    async function createdStatement() {
      const { body } = await api.call(contract.getRfx, buyer.claims, { params: { id } })
      return body.title?.statement as string | undefined
    }
  })

  it('waits for a new key after somebody has gone', async () => {
    const { buyer, another } = cast
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const position = await placeIn(buyer, id)
    await api.call(contract.excludeRfxMember, buyer.claims, { params: { id, userId: another.id } })
    await api.call(contract.readmitRfxMember, buyer.claims, { params: { id, userId: another.id } })
    const body = await sign(buyer, position, [await targetOf(api, another, 'buyer')])
    expect(await add(buyer, id, body)).toMatchObject({ status: 409, code: 'rekey_pending' })
  })

  describe('that do not open', () => {
    const report = ({ claims }: RfxPerson, id: string, version: unknown = 1) =>
      api.call(contract.reportBrokenWrap, claims, { params: { id }, body: { version } })

    it('are taken away when their owner says so, who waits for another', async () => {
      const { buyer, supplier } = cast
      const id = await createProjectOf(api, cast)
      for (const _ of [1, 2]) expect(await report(supplier, id)).toMatchObject({ status: 204 })
      expect(await readWraps(database, id)).not.toContain(`user ${supplier.id}`)
      expect(await statesOf(buyer, id)).toContain(`user ${supplier.id} supplier missing`)
      expect((await openGroup(api, supplier, id)).group.wrap?.via).toBe('company')
      expect(await distribute(api, buyer, id)).toBe(1)
      expect((await openGroup(api, supplier, id)).group.wrap?.via).toBe('user')
      const { body } = await api.call(contract.checkRfx, buyer.claims, { params: { id } })
      expect(body.faults).toEqual([])
      const records = (await readAudit(database)).filter(({ action }) => action === 'rfx_key.broken')
      expect(records).toEqual([
        { user: supplier.id, action: 'rfx_key.broken', subject: `${id}/1`, outcome: 'allowed', problem: null },
      ])
      // What they said does not open may have opened: its key still counts.
      const { keys } = (await api.call(contract.listUserKeys, supplier.claims)).body
      const { rows } = await sql`select from nokkel.moved_wrap
        where rfx_id = ${id}::uuid and version = 1 and user_key_id = ${keys[0].id}::uuid`.execute(database.owner)
      expect(rows).toHaveLength(1)
    })

    it('make a new version necessary when their owner goes', async () => {
      const { buyer, another } = cast
      const id = await createProjectOf(api, cast, { until: 'draft' })
      await sql`delete from public.rfx_key_companies where rfx_id = ${id}::uuid`.execute(database.owner)
      await report(another, id)
      await api.call(contract.excludeRfxMember, buyer.claims, { params: { id, userId: another.id } })
      expect(await isRekeyPending(database, id)).toBe(true)
    })

    it('are reported by members, of the present version', async () => {
      const { buyer, rival, outsider, stranger } = cast
      const id = await createProjectOf(api, cast)
      for (const person of [rival, outsider, stranger]) {
        expect(await report(person, id)).toMatchObject({ status: 404, code: 'not_found' })
      }
      expect(await report(buyer, crypto.randomUUID())).toMatchObject({ code: 'not_found' })
      expect(await report(buyer, id, 2)).toMatchObject({ status: 409, code: 'version_stale', data: { version: 1 } })
      for (const version of [0, 2 ** 31, '1', null]) {
        expect(await report(buyer, id, version)).toMatchObject({ status: 400, code: 'request_malformed' })
      }
      expect(await readWraps(database, id)).toContain(`user ${buyer.id}`)
    })
  })

  it('answers with a problem what leaves something out past the server', async () => {
    const { buyer } = cast
    const id = await createProjectOf(api, cast)
    const nothing = sql`null::nokkel.rfx_manifest_input`
    const noWraps = sql`array[null::nokkel.rfx_wrap_input]`
    const calls = {
      create_rfx: sql`select nokkel.create_rfx(null, ${cast.company}::uuid, '{}', null)`,
      'create_rfx without wraps': sql`select nokkel.create_rfx(gen_random_uuid(), ${cast.company}::uuid, ${noWraps}, null)`,
      create_rfx_group: sql`select nokkel.create_rfx_group(gen_random_uuid(), ${id}::uuid, null, null, '{}', null)`,
      add_rfx_wraps: sql`select nokkel.add_rfx_wraps(${id}::uuid, ${nothing}, '{}', null)`,
      begin_rfx_version: sql`select nokkel.begin_rfx_version(${id}::uuid, gen_random_uuid(), null, null, null)`,
      add_rfx_attempt_wraps: sql`select nokkel.add_rfx_attempt_wraps(${id}::uuid, null, ${nothing}, null, null)`,
      activate_rfx_version: sql`select nokkel.activate_rfx_version(${id}::uuid, gen_random_uuid(), null, null)`,
      report_broken_rfx_wrap: sql`select nokkel.report_broken_rfx_wrap(${id}::uuid, null, null)`,
      add_rfx_entry: sql`select nokkel.add_rfx_entry(${id}::uuid, 2, 'comment', gen_random_uuid(), 1, 1, null, 1, 0, null, null,
        'x', sha256('x'), 'x', '{}', null)`,
      move_content_keys: sql`select nokkel.move_content_keys(${id}::uuid, 1, array[1], array[sha256('x')], array[null::bytea], null)`,
      begin_bid: sql`select nokkel.begin_bid(${id}::uuid, null, null, null, null, null)`,
      submit_bid: sql`select nokkel.submit_bid(${id}::uuid, null, null, null, null, null, null, null, null, null, null, null, null)`,
      withdraw_bid: sql`select nokkel.withdraw_bid(null, null, null)`,
      release_bid_part: sql`select nokkel.release_bid_part(null, null, null)`,
      move_bid_key: sql`select nokkel.move_bid_key(null, null, null, null, null, null)`,
    }
    const found: Record<string, string> = {}
    for (const [name, call] of Object.entries(calls)) {
      const answer = await withClaims(database.server, buyer.claims, (transaction) => call.execute(transaction)).catch(
        toServerError,
      )
      found[name] = answer instanceof ServerError ? answer.code : 'allowed'
    }
    const malformed = Object.fromEntries(Object.keys(calls).map((name) => [name, 'request_malformed']))
    expect(found).toEqual({
      ...malformed,
      begin_bid: 'forbidden',
      withdraw_bid: 'not_found',
      release_bid_part: 'not_found',
      move_bid_key: 'not_found',
    })
  })

  it('goes on in a project that is closed', async () => {
    const { buyer, another } = cast
    const id = await createProjectOf(api, cast)
    await sql`delete from public.rfx_key_members where rfx_id = ${id}::uuid and user_id = ${another.id}::uuid`.execute(
      database.owner,
    )
    await api.call(contract.changeRfxStatus, buyer.claims, { params: { id }, body: { status: 'closed' } })
    expect(await distribute(api, buyer, id)).toBe(1)
  })

  describe('of groups', () => {
    const make = (person: RfxPerson, id: string, body: unknown) =>
      api.call(contract.createRfxGroup, person.claims, { params: { id }, body })
    async function newGroup(
      person: RfxPerson,
      kind: 'opening' | 'bidder',
      companyId: string,
      role: 'buyer' | 'supplier',
    ) {
      const groupId = crypto.randomUUID() as string
      const of = { organizationId: cast.organization, groupId, kind, version: 1, key: generateRfxKey() }
      const target = await targetOf(api, person, role)
      const manifest = await sign(person, { of, place: { revision: 1, previous: null as never } }, [target])
      return { groupId, kind, companyId, manifest }
    }

    it('that open bids are made by openers, once', async () => {
      const { buyer, colleague, developer, supplier, company } = cast
      const id = await createProjectOf(api, cast)
      const ofBuyer = await newGroup(buyer, 'opening', company, 'buyer')
      expect(await make(buyer, id, ofBuyer)).toMatchObject({ status: 403, code: 'forbidden' })
      await api.call(contract.nameOpener, buyer.claims, { params: { id, userId: buyer.id } })
      const ofColleague = await newGroup(colleague, 'opening', company, 'buyer')
      expect(await make(colleague, id, ofColleague)).toMatchObject({ code: 'forbidden' })
      expect(await make(developer, id, await newGroup(developer, 'opening', company, 'buyer'))).toMatchObject({
        code: 'not_found',
      })
      const made = await make(buyer, id, ofBuyer)
      expect(made).toMatchObject({ status: 200, body: { id: ofBuyer.groupId, kind: 'opening', member: true } })
      expect(await make(buyer, id, ofBuyer)).toEqual(made)
      expect(await make(buyer, id, await newGroup(buyer, 'opening', company, 'buyer'))).toEqual(made)
      expect(await make(colleague, id, ofColleague)).toMatchObject({ status: 409, code: 'conflict' })
      await distribute(api, buyer, ofBuyer.groupId)
      expect(await readWraps(database, ofBuyer.groupId)).toEqual([`company ${company}`, `user ${buyer.id}`])

      const seen = await api.call(contract.getRfx, supplier.claims, { params: { id } })
      expect(seen.body.groups[1]).toMatchObject({
        id: ofBuyer.groupId,
        member: false,
        wrap: null,
        manifest: [{ revision: 1 }, { revision: 2 }],
      })
      expect(await api.call(contract.getRfxGroup, developer.claims, { params: { id: ofBuyer.groupId } })).toMatchObject(
        {
          code: 'not_found',
        },
      )
      expect(await recipients(supplier, ofBuyer.groupId)).toMatchObject({ code: 'not_found' })
      expect(await recipients(colleague, ofBuyer.groupId)).toMatchObject({ code: 'not_found' })
    })

    it('that open bids are made anew when nobody has their key and no bid needs it', async () => {
      const { buyer, supplier, company, supplierCompany } = cast
      const id = await createProjectOf(api, cast)
      await api.call(contract.nameOpener, buyer.claims, { params: { id, userId: buyer.id } })
      const first = await newGroup(buyer, 'opening', company, 'buyer')
      await make(buyer, id, first)
      const second = await newGroup(buyer, 'opening', company, 'buyer')
      const lose = () =>
        sql`delete from public.rfx_key_members where rfx_id = ${first.groupId}::uuid`.execute(database.owner)
      expect(await make(buyer, id, second)).toMatchObject({ status: 200, body: { id: first.groupId } })
      const bidder = await createGroup(api, supplier, id, 'bidder', supplierCompany)
      const bid = crypto.randomUUID()
      await sql`insert into public.rfx_bid (id, rfx_id, company_id, organization_id, bidder_id, opening_id, state, revision, content,
          sealed_part, opening_version, own_key, own_version, statement, author_id, signer_thumbprint, submitted_at)
        select ${bid}::uuid, ${id}::uuid, ${supplierCompany}::uuid, ${cast.organization}::uuid, ${bidder}::uuid,
          ${first.groupId}::uuid, 'submitted', 1, ${Buffer.alloc(48)}::bytea, ${Buffer.alloc(133)}::bytea, 1,
          ${Buffer.alloc(80)}::bytea, 1, 'x', ${supplier.id}::uuid, k.thumbprint, now()
        from public.signing_key k where k.device_id = ${supplier.deviceId}::uuid limit 1`.execute(database.owner)
      await lose()
      expect(await make(buyer, id, second)).toMatchObject({ status: 200, body: { id: first.groupId } })
      await sql`delete from public.rfx_bid where id = ${bid}::uuid`.execute(database.owner)
      const ofSupplier = await newGroup(supplier, 'opening', company, 'buyer')
      expect(await make(supplier, id, ofSupplier)).toMatchObject({ code: 'not_found' })
      expect(await make(buyer, id, second)).toMatchObject({ status: 200, body: { id: second.groupId } })
      expect(await make(buyer, id, second)).toMatchObject({ status: 200, body: { id: second.groupId } })
      const { rows } = await sql`select from public.rfxs where id = ${first.groupId}::uuid`.execute(database.owner)
      expect(rows).toEqual([])
    })

    it('that bid are made anew when nobody has their key and no bid needs it', async () => {
      const { supplier, supplierCompany } = cast
      const id = await createProjectOf(api, cast)
      const first = await createGroup(api, supplier, id, 'bidder', supplierCompany)
      const second = await newGroup(supplier, 'bidder', supplierCompany, 'supplier')
      expect(await make(supplier, id, second)).toMatchObject({ status: 200, body: { id: first } })
      for (const table of ['rfx_key_members', 'rfx_key_companies']) {
        await sql`delete from public.${sql.raw(table)} where rfx_id = ${first}::uuid`.execute(database.owner)
      }
      expect(await make(supplier, id, second)).toMatchObject({
        status: 200,
        body: { id: second.groupId, member: true },
      })
    })

    it('that bid are made by the people of an invited company, and stay among them', async () => {
      const { buyer, supplier, supplierColleague, rival, rivalCompany, supplierCompany, company } = cast
      const id = await createProjectOf(api, cast, { suppliers: [supplierCompany, rivalCompany] })
      const draftOf = await createProjectOf(api, cast, { until: 'in_review' })
      const body = await newGroup(supplier, 'bidder', supplierCompany, 'supplier')
      expect(await make(supplier, draftOf, body)).toMatchObject({ code: 'not_found' })
      for (const [person, companyId] of [
        [rival, supplierCompany],
        [buyer, supplierCompany],
      ] as const) {
        const wrong = await newGroup(person, 'bidder', companyId, 'supplier')
        expect(await make(person, id, wrong)).toMatchObject({ code: 'not_found' })
      }
      const ofBuyer = await newGroup(buyer, 'bidder', company, 'supplier')
      expect(await make(buyer, id, ofBuyer)).toMatchObject({ code: 'forbidden' })
      expect(await make(supplier, id, body)).toMatchObject({ status: 200, body: { companyId: supplierCompany } })
      expect(await distribute(api, supplier, body.groupId)).toBe(2)
      expect((await openGroup(api, supplierColleague, body.groupId)).group.member).toBe(true)
      for (const person of [buyer, rival, cast.developer]) {
        const answer = await api.call(contract.getRfxGroup, person.claims, { params: { id: body.groupId } })
        expect(answer).toMatchObject({ status: 404, code: 'not_found' })
      }
      const own = await createGroup(api, rival, id, 'bidder', rivalCompany)
      expect(own).not.toBe(body.groupId)
      const groupsOf = async (person: RfxPerson) =>
        (await api.call(contract.getRfx, person.claims, { params: { id } })).body.groups.map(
          (group: contract.RfxGroup) => group.id,
        )
      expect(await groupsOf(supplier)).toEqual([id, body.groupId])
      expect(await groupsOf(rival)).toEqual([id, own])
      expect(await groupsOf(buyer)).toEqual([id])
    })

    it('are not made under an id that stands for something else, nor without a signature that fits', async () => {
      const { buyer, supplier, supplierCompany, company } = cast
      const id = await createProjectOf(api, cast)
      await api.call(contract.nameOpener, buyer.claims, { params: { id, userId: buyer.id } })
      const body = await newGroup(supplier, 'bidder', supplierCompany, 'supplier')
      expect(await make(supplier, id, { ...body, groupId: crypto.randomUUID() })).toMatchObject({
        code: 'statement_invalid',
      })
      expect(await make(supplier, id, { ...body, kind: 'opening' })).toMatchObject({ code: 'statement_invalid' })
      expect(await make(supplier, id, body)).toMatchObject({ status: 200 })
      const opening = await newGroup(buyer, 'opening', company, 'buyer')
      const of = { organizationId: cast.organization, groupId: body.groupId, kind: 'opening' as const, version: 1 }
      const taken = await sign(
        buyer,
        { of: { ...of, key: generateRfxKey() }, place: { revision: 1, previous: null as never } },
        [await targetOf(api, buyer, 'buyer')],
      )
      expect(await make(buyer, id, { ...opening, groupId: body.groupId, manifest: taken })).toMatchObject({
        status: 409,
        code: 'conflict',
      })
    })
  })

  it('tells members whose devices have signed what they see, and nobody else', async () => {
    const { buyer, supplier, rival, stranger, supplierCompany, rivalCompany } = cast
    const id = await createProjectOf(api, cast, { suppliers: [supplierCompany, rivalCompany] })
    await createGroup(api, supplier, id, 'bidder', supplierCompany)
    const { rows } = await sql<{ thumbprint: string; user_id: string }>`
      select thumbprint, user_id from public.signing_key where device_id in (${buyer.deviceId}::uuid, ${supplier.deviceId}::uuid)`.execute(
      database.owner,
    )
    const find = async (person: RfxPerson) => {
      const body = { thumbprints: rows.map(({ thumbprint }) => thumbprint) }
      const answer = await api.call(contract.findRfxSigners, person.claims, { params: { id }, body })
      return answer.body.signers.map(({ userId }: contract.RfxSigner) => userId)
    }
    expect((await find(supplier)).sort()).toEqual([buyer.id, supplier.id].sort())
    expect(await find(rival)).toEqual([buyer.id])
    expect(await find(buyer)).toEqual([buyer.id])
    expect(await find(stranger)).toEqual([])
  })
})

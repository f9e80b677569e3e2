import * as contract from '@nokkel/contract'
import { decodeBase64 } from '@nokkel/crypto'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createCompanyOf,
  createRfx,
  storeCompanyKey,
  storeWrap,
  wrapNewKey,
} from '../../../../tools/testing/managed-keys.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { distribute, openGroup, rekey } from '../../../../tools/testing/rfx/keys.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import { createGroup, inOneHour, passDeadline } from '../../../../tools/testing/rfx/projects.ts'
import { isRekeyPending, readFaults, readWraps } from '../../../../tools/testing/rfx/rows.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { withClaims } from '../db/with-claims.ts'

describe.each(databaseEngines)('whoever leaves a project [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: RfxCast
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
  })
  // Each test takes somebody away.
  beforeEach(async () => {
    cast = await createRfxCast(database, api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const run = (statement: RawBuilder<unknown>) => statement.execute(database.owner)
  const ask = (operation: contract.Operation, { claims }: RfxPerson, params: Record<string, string>) =>
    api.call(operation, claims, { params })
  const unwrap = async ({ claims }: RfxPerson, rfxId: string, via: 'user' | 'company', version = 1) =>
    (await api.call(contract.cryptoService, claims, { body: { action: 'unwrap', rfxId, version, via } })).code ??
    'opens'

  /** How many rows of a project somebody reads by themselves, past the API. */
  async function readable({ claims }: RfxPerson, id: string): Promise<number[]> {
    return withClaims(database.server, claims, async (transaction) => {
      const counts: number[] = []
      for (const [table, column] of [
        ['rfxs', 'id'],
        ['rfx_key_version', 'rfx_id'],
        ['rfx_key_members', 'rfx_id'],
        ['rfx_manifest', 'rfx_id'],
        ['rfx_entry', 'rfx_id'],
        ['rfx_opener', 'rfx_id'],
      ] as const) {
        const { rows } = await sql`
          select from ${sql.table(`public.${table}`)} where ${sql.id(column)} = ${id}::uuid`.execute(transaction)
        counts.push(rows.length)
      }
      return counts
    })
  }
  const nothing = [0, 0, 0, 0, 0, 0]

  /** That they have lost everything, and the others nothing but writing until there is a new key. */
  async function expectGone(person: RfxPerson, id: string, { stays }: { readonly stays: RfxPerson }): Promise<void> {
    expect(await isRekeyPending(database, id)).toBe(true)
    expect(await readWraps(database, id)).not.toContain(`user ${person.id}`)
    expect(await ask(contract.getRfx, person, { id })).toMatchObject({ status: 404, code: 'not_found' })
    expect(await ask(contract.getRfxGroup, person, { id })).toMatchObject({ code: 'not_found' })
    expect(await unwrap(person, id, 'user')).toBe('open_refused')
    expect(await unwrap(person, id, 'company')).toBe('open_refused')
    expect(await readable(person, id)).toEqual(nothing)
    expect(await readFaults(database, id)).toEqual(['rekey_pending'])
    const rfx = await ask(contract.getRfx, stays, { id })
    expect(rfx).toMatchObject({ status: 200, body: { rekeyPending: true, via: expect.any(String) } })
    expect(await rekey(api, stays, id)).toBe(2)
    expect(await readFaults(database, id)).toEqual([])
    expect(await isRekeyPending(database, id)).toBe(false)
  }

  it('is excluded by a buyer, whoever they are', async () => {
    for (const person of [cast.another, cast.developer, cast.supplierColleague]) {
      const id = await createProjectOf(api, cast)
      expect(await readable(person, id)).toEqual([1, 1, 1, expect.any(Number), 1, 0])
      await ask(contract.excludeRfxMember, cast.buyer, { id, userId: person.id })
      await expectGone(person, id, { stays: cast.buyer })
      await ask(contract.readmitRfxMember, cast.buyer, { id, userId: person.id })
      await distribute(api, cast.buyer, id)
      expect((await openGroup(api, person, id)).group.version).toBe(2)
    }
  })

  it('leaves the company, by themselves or not', async () => {
    for (const [person, company] of [
      [cast.another, cast.company],
      [cast.supplierColleague, cast.supplierCompany],
    ] as const) {
      const id = await createProjectOf(api, cast)
      await ask(contract.removeCompanyMember, person, { id: company, userId: person.id })
      await expectGone(person, id, { stays: cast.buyer })
    }
  })

  it('leaves without a wrap of their own, having read through the company', async () => {
    const { buyer, another, company } = cast
    const id = await createProjectOf(api, cast)
    await run(sql`delete from public.rfx_key_members where user_id = ${another.id}::uuid`)
    expect(await unwrap(another, id, 'company')).toBe('opens')
    await ask(contract.removeCompanyMember, buyer, { id: company, userId: another.id })
    await expectGone(another, id, { stays: buyer })
  })

  it('asks for no new key when they never had the old one', async () => {
    const { buyer, rival, rivalCompany, organization } = cast
    const newcomer = await createRfxPerson(database, api, organization)
    await run(sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${rivalCompany}::uuid, ${organization}::uuid, ${newcomer.id}::uuid)`)
    // Invited, but not let in yet; and a company whose key nothing is wrapped to.
    const draft = await createProjectOf(api, cast, { until: 'in_review', suppliers: [rivalCompany] })
    const id = await createProjectOf(api, cast, { suppliers: [rivalCompany] })
    await run(sql`delete from public.rfx_key_members where user_id = ${newcomer.id}::uuid`)
    await ask(contract.removeCompanyMember, rival, { id: rivalCompany, userId: newcomer.id })
    for (const project of [draft, id]) expect(await isRekeyPending(database, project)).toBe(false)
    expect(await readFaults(database, id)).toEqual([])
    expect((await openGroup(api, buyer, id)).group.version).toBe(1)
  })

  it('stays as long as they are something else in it', async () => {
    const { buyer, supplier, supplierCompany, rivalCompany, organization } = cast
    await run(sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${rivalCompany}::uuid, ${organization}::uuid, ${supplier.id}::uuid)`)
    const id = await createProjectOf(api, cast, { suppliers: [supplierCompany, rivalCompany] })
    await ask(contract.removeCompanyMember, supplier, { id: rivalCompany, userId: supplier.id })
    expect(await isRekeyPending(database, id)).toBe(false)
    expect((await openGroup(api, supplier, id)).group.version).toBe(1)
    await ask(contract.withdrawSupplier, buyer, { id, companyId: supplierCompany })
    await expectGone(supplier, id, { stays: buyer })
  })

  it('is a reviewer no longer', async () => {
    const { administrator, reviewer, buyer } = cast
    const id = await createProjectOf(api, cast, { until: 'in_review' })
    const draft = await createProjectOf(api, cast, { until: 'draft' })
    await ask(contract.dismissDeveloper, administrator, { userId: reviewer.id })
    expect(await isRekeyPending(database, draft)).toBe(false)
    await expectGone(reviewer, id, { stays: buyer })
  })

  it('leaves the organisation', async () => {
    for (const person of [cast.another, cast.reviewer, cast.supplier]) {
      const id = await createProjectOf(api, cast)
      await run(sql`delete from public.organization_member where user_id = ${person.id}::uuid`)
      expect(await isRekeyPending(database, id)).toBe(true)
      expect(await readWraps(database, id)).not.toContain(`user ${person.id}`)
      expect(await ask(contract.getRfx, person, { id })).toMatchObject({ status: 401, code: 'session_ended' })
      await rekey(api, cast.buyer, id)
      expect(await readFaults(database, id)).toEqual([])
    }
  })

  it('is deleted with all that is theirs', async () => {
    for (const person of [cast.another, cast.reviewer, cast.supplier]) {
      const id = await createProjectOf(api, cast)
      await run(sql`delete from public.app_user where auth_user_id = ${person.id}::uuid`)
      expect(await isRekeyPending(database, id)).toBe(true)
      await rekey(api, cast.buyer, id)
      expect(await readFaults(database, id)).toEqual([])
    }
  })

  it('is a company: withdrawn, with its people and its bids', async () => {
    const { buyer, supplier, supplierColleague, supplierCompany } = cast
    const id = await createProjectOf(api, cast)
    const bidder = await createGroup(api, supplier, id, 'bidder', supplierCompany)
    await ask(contract.withdrawSupplier, buyer, { id, companyId: supplierCompany })
    const { rows } = await sql`select from public.rfxs where id = ${bidder}::uuid`.execute(database.owner)
    expect(rows).toEqual([])
    expect(await readWraps(database, id)).not.toContain(`company ${supplierCompany}`)
    expect(await ask(contract.getRfx, supplierColleague, { id })).toMatchObject({ code: 'not_found' })
    await expectGone(supplier, id, { stays: buyer })
  })

  it('is a company: deleted, also one that nobody is in', async () => {
    const { buyer, organization } = cast
    const empty = await createCompanyOf(database, organization)
    await storeCompanyKey(database, api, empty, testPrivateKeys[2])
    const id = await createProjectOf(api, cast, { suppliers: [empty] })
    expect(await readWraps(database, id)).toContain(`company ${empty}`)
    await run(sql`delete from public.company where id = ${empty}::uuid`)
    expect(await isRekeyPending(database, id)).toBe(true)
    await rekey(api, buyer, id)
    const other = await createProjectOf(api, cast)
    await run(sql`delete from public.company where id = ${cast.supplierCompany}::uuid`)
    await expectGone(cast.supplier, other, { stays: buyer })
  })

  it('reads no more of a project that is closed, which keeps its key', async () => {
    const { buyer, another, supplier, supplierCompany } = cast
    const id = await createProjectOf(api, cast, { openers: [buyer, another], deadline: inOneHour() })
    const bidder = await createGroup(api, supplier, id, 'bidder', supplierCompany)
    await distribute(api, supplier, bidder)
    const groups = await ask(contract.getRfx, buyer, { id })
    const opening = groups.body.groups[1].id as string
    await passDeadline(database, id)
    const closed = await api.call(contract.changeRfxStatus, buyer.claims, {
      params: { id },
      body: { status: 'closed' },
    })
    expect(closed).toMatchObject({ status: 200 })
    await ask(contract.excludeRfxMember, buyer, { id, userId: another.id })
    await ask(contract.excludeRfxMember, buyer, { id, userId: supplier.id })
    for (const group of [id, opening, bidder]) {
      expect(await isRekeyPending(database, group)).toBe(false)
      for (const { id: gone } of [another, supplier])
        expect(await readWraps(database, group)).not.toContain(`user ${gone}`)
    }
    expect(await readable(another, id)).toEqual(nothing)
    expect(await unwrap(another, id, 'company')).toBe('open_refused')
    // Those who are gone still stand in what was signed, which is as it should be here.
    expect(await ask(contract.checkRfx, buyer, { id })).toMatchObject({ body: { faults: [] } })
  })

  describe('of those who open bids', () => {
    /** A project with openers; another buyer has no part in it. */
    async function opened(openers = [cast.buyer, cast.colleague]) {
      const { buyer } = cast
      const id = await createProjectOf(api, cast, { openers, deadline: inOneHour() })
      const rfx = await ask(contract.getRfx, buyer, { id })
      return { id, opening: rfx.body.groups[1].id as string }
    }

    it('is dismissed, and reads through the company no longer', async () => {
      const { buyer, colleague } = cast
      const { id, opening } = await opened()
      for (const via of ['user', 'company'] as const) expect(await unwrap(colleague, opening, via)).toBe('opens')
      await ask(contract.dismissOpener, buyer, { id, userId: colleague.id })
      for (const via of ['user', 'company'] as const) expect(await unwrap(colleague, opening, via)).toBe('open_refused')
      expect(await isRekeyPending(database, opening)).toBe(true)
      expect(await isRekeyPending(database, id)).toBe(false)
      expect(await rekey(api, buyer, opening)).toBe(2)
      expect(await readFaults(database, id)).toEqual([])
    })

    it('is excluded, or leaves the company: from both groups', async () => {
      const { buyer, colleague, another, company } = cast
      for (const leave of [
        (id: string) => ask(contract.excludeRfxMember, buyer, { id, userId: colleague.id }),
        () => ask(contract.removeCompanyMember, buyer, { id: company, userId: colleague.id }),
      ]) {
        const { id, opening } = await opened()
        expect(await leave(id)).toMatchObject({ status: 204 })
        for (const group of [id, opening]) expect(await isRekeyPending(database, group)).toBe(true)
        expect(await unwrap(colleague, opening, 'company')).toBe('open_refused')
        expect((await ask(contract.getRfx, buyer, { id })).body.openers).toEqual([{ id: buyer.id, name: 'Silje Vik' }])
      }
      // A buyer who opens no bids leaves the key of those who do.
      const { id, opening } = await opened([buyer])
      await ask(contract.excludeRfxMember, buyer, { id, userId: another.id })
      expect(await isRekeyPending(database, id)).toBe(true)
      expect(await isRekeyPending(database, opening)).toBe(false)
    })

    it('is followed by another, who reads through the company', async () => {
      const { buyer, another } = cast
      const { id, opening } = await opened()
      const key = (await openGroup(api, buyer, opening)).key
      for (const via of ['user', 'company'] as const) expect(await unwrap(another, opening, via)).toBe('open_refused')
      expect(await unwrap(cast.developer, opening, 'company')).toBe('open_refused')
      expect(await unwrap(cast.supplier, opening, 'company')).toBe('open_refused')
      await ask(contract.nameOpener, buyer, { id, userId: another.id })
      const body = { action: 'unwrap', rfxId: opening, version: 1, via: 'company' }
      const answer = await api.call(contract.cryptoService, another.claims, { body })
      expect(decodeBase64(answer.body.key)).toEqual(key)
    })
  })

  it('had a key that is compromised: a new version, in every group it opened', async () => {
    const { buyer, supplier, supplierCompany } = cast
    const id = await createProjectOf(api, cast)
    const other = await createProjectOf(api, cast, { suppliers: [cast.rivalCompany] })
    const bidder = await createGroup(api, supplier, id, 'bidder', supplierCompany)
    const closed = await createProjectOf(api, cast)
    await api.call(contract.changeRfxStatus, buyer.claims, { params: { id: closed }, body: { status: 'closed' } })
    const { keys } = (await api.call(contract.listUserKeys, supplier.claims)).body
    const revoked = await ask(contract.revokeUserKey, supplier, { id: keys[0].id })
    expect(revoked.body).toEqual({ compromisedVersions: 3 })
    for (const group of [id, bidder]) expect(await isRekeyPending(database, group)).toBe(true)
    for (const group of [other, closed]) expect(await isRekeyPending(database, group)).toBe(false)
    // Still a member, who gets the next version when they have another key.
    expect(await rekey(api, buyer, id)).toBe(2)
    expect(await readWraps(database, id)).not.toContain(`user ${supplier.id}`)
    expect(await readFaults(database, id)).toEqual(['rekey_pending'])
    const body = { action: 'encrypt', text: testPrivateKeys[2] }
    expect(await api.call(contract.cryptoService, supplier.claims, { body })).toMatchObject({ status: 200 })
    expect(await distribute(api, buyer, id)).toBe(1)
  })

  it('had a company with a key that is compromised', async () => {
    const { buyer, supplier, supplierCompany } = cast
    const id = await createProjectOf(api, cast)
    const { keys } = (await ask(contract.getCompany, supplier, { id: supplierCompany })).body
    await ask(contract.revokeCompanyKey, supplier, { companyId: supplierCompany, id: keys[0].id })
    expect(await isRekeyPending(database, id)).toBe(true)
    await rekey(api, buyer, id)
    expect(await readWraps(database, id)).not.toContain(`company ${supplierCompany}`)
    expect(await readFaults(database, id)).toEqual([])
  })

  it('is who the key was wrapped to, in a project of other software', async () => {
    const { another, colleague, outsider, company, organization } = cast
    const id = await createRfx(database, organization)
    const key = (await api.call(contract.listUserKeys, outsider.claims)).body.keys[0]
    const { wrap } = await wrapNewKey(key.publicKey)
    await storeWrap(database, { rfxId: id, owner: 'user', ownerId: outsider.id, keyId: key.id }, wrap)
    const ofCompany = await storeCompanyKey(database, api, company, testPrivateKeys[3])
    const { wrap: companyWrap } = await wrapNewKey(ofCompany.publicKey)
    await storeWrap(database, { rfxId: id, owner: 'company', ownerId: company, keyId: ofCompany.id }, companyWrap)
    expect(await unwrap(outsider, id, 'user')).toBe('opens')
    for (const person of [another, colleague]) expect(await unwrap(person, id, 'company')).toBe('opens')
    await ask(contract.removeCompanyMember, another, { id: company, userId: another.id })
    expect(await unwrap(another, id, 'company')).toBe('open_refused')
    expect(await isRekeyPending(database, id)).toBe(false)
    expect(await readWraps(database, id)).toEqual([`company ${company}`, `user ${outsider.id}`])
    await ask(contract.revokeUserKey, outsider, { id: key.id })
    expect(await isRekeyPending(database, id)).toBe(false)
    // It has no life of ours: nobody sees it in the list, and nobody does anything to it.
    expect((await api.call(contract.listRfx, outsider.claims)).body.rfx).toEqual([])
    expect(await ask(contract.getRfx, outsider, { id })).toMatchObject({ code: 'not_found' })
    expect(await ask(contract.deleteRfx, outsider, { id })).toMatchObject({ code: 'not_found' })
    expect(await ask(contract.listRfxRecipients, outsider, { id })).toMatchObject({ code: 'not_found' })
    expect(await readFaults(database, id)).toEqual([])
  })
})

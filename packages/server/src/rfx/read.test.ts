import * as contract from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { pseudonymOf, readAudit } from '../../../../tools/testing/managed-keys.ts'
import { logIn } from '../../../../tools/testing/people.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import { createProject, inOneHour } from '../../../../tools/testing/rfx/projects.ts'

describe.each(databaseEngines)('reading projects [%s]', (engine) => {
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

  const get = ({ claims }: RfxPerson, id: string) => api.call(contract.getRfx, claims, { params: { id } })
  const list = ({ claims }: RfxPerson, query: Record<string, string> = {}) =>
    api.call(contract.listRfx, claims, { query })
  const idsOf = async (person: RfxPerson) => (await list(person)).body.rfx.map(({ id }: contract.RfxSummary) => id)

  it('begins for each when the project comes so far', async () => {
    const { buyer, developer, supplier, rival, outsider, stranger } = cast
    const draft = await createProjectOf(api, cast, { until: 'draft' })
    const sent = await createProjectOf(api, cast, { until: 'in_review' })
    const approved = await createProjectOf(api, cast)
    expect(await idsOf(buyer)).toEqual([approved, sent, draft])
    expect(await idsOf(developer)).toEqual([approved, sent])
    expect(await idsOf(supplier)).toEqual([approved])
    for (const person of [rival, outsider, stranger]) {
      expect(await idsOf(person)).toEqual([])
      for (const id of [draft, sent, approved]) expect(await get(person, id)).toMatchObject({ code: 'not_found' })
    }
    expect(await get(developer, draft)).toMatchObject({ status: 404, code: 'not_found' })
    expect(await get(supplier, sent)).toMatchObject({ status: 404, code: 'not_found' })
    const inSession = await logIn(database, cast.organization, buyer.id)
    await sql`update nokkel.session set ended_at = now(), ended_reason = 'revoked'
      where id = ${inSession.claims.sid}::uuid`.execute(database.owner)
    expect(await get({ ...buyer, claims: inSession.claims }, draft)).toMatchObject({ code: 'session_ended' })
    expect(await list({ ...buyer, claims: inSession.claims })).toMatchObject({ code: 'session_ended' })
  })

  it('shows one moment, also while the key gets a new version', async () => {
    const id = await createProjectOf(api, cast)
    const bump = () =>
      sql`update public.rfxs set key_version = key_version + 1 where id = ${id}::uuid`.execute(database.owner)
    const rounds = Array.from({ length: 40 }, () =>
      Promise.all([get(cast.buyer, id), bump(), get(cast.buyer, id), bump()]),
    )
    for (const [one, , other] of await Promise.all(rounds)) {
      for (const { body } of [one, other]) expect(body.groups[0].version).toBe(body.version)
    }
  })

  it('goes in pages, the newest first, also of those made in the same millisecond', async () => {
    const { organization } = cast
    const person = await createRfxPerson(database, api, organization)
    const { rows } = await sql<{ id: string }>`insert into public.company (organization_id, name)
      values (${organization}::uuid, 'Vik Bygg') returning id`.execute(database.owner)
    const company = rows[0]?.id ?? ''
    await sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${company}::uuid, ${organization}::uuid, ${person.id}::uuid)`.execute(database.owner)
    const ids: string[] = []
    for (let index = 0; index < 5; index++) {
      const id = await createProject(api, person, company)
      await sql`update public.rfxs set created_at = timestamptz '2026-11-21 09:00:00.123Z' + ${index}::integer * interval '100 microseconds'
        where id = ${id}::uuid`.execute(database.owner)
      ids.unshift(id)
    }
    const found: string[] = []
    let cursor: string | undefined
    do {
      const { body } = await list(person, { limit: '2', ...(cursor && { cursor }) })
      found.push(...body.rfx.map(({ id }: contract.RfxSummary) => id))
      cursor = body.nextCursor
    } while (cursor)
    expect(found).toEqual(ids)
    const odd = encodeBase64Url(new TextEncoder().encode(JSON.stringify(['x', ids[0]])))
    for (const wrong of ['nonsense', odd]) {
      expect(await list(person, { cursor: wrong })).toMatchObject({ status: 400, code: 'request_malformed' })
    }
  })

  it('tells suppliers neither of each other nor of who was kept out', async () => {
    const { buyer, colleague, another, developer, supplier, rival, supplierCompany, rivalCompany } = cast
    const suppliers = [supplierCompany, rivalCompany]
    const id = await createProjectOf(api, cast, { suppliers, openers: [buyer, colleague], deadline: inOneHour() })
    await api.call(contract.excludeRfxMember, buyer.claims, { params: { id, userId: another.id } })
    const openers = [colleague, buyer].map((person) => expect.objectContaining({ id: person.id }))
    for (const person of [buyer, developer]) {
      const { body } = await get(person, id)
      expect(body.suppliers.map((company: { id: string }) => company.id).sort()).toEqual(suppliers.toSorted())
      expect(body).toMatchObject({ excluded: [{ id: another.id, name: 'Tone Sæther' }], openers })
    }
    for (const [person, company] of [
      [supplier, supplierCompany],
      [rival, rivalCompany],
    ] as const) {
      const { body } = await get(person, id)
      expect(body.suppliers.map((one: { id: string }) => one.id)).toEqual([company])
      expect(body).toMatchObject({ role: 'supplier', excluded: [], openers, missing: 0, mayNameOpeners: false })
    }
    expect((await get(colleague, id)).body).toMatchObject({ role: 'buyer', mayNameOpeners: false })
    expect((await get(another, id)).code).toBe('not_found')
  })

  it('says who waits for the key, and through what each reads', async () => {
    const { buyer, colleague, rival, rivalCompany, developer } = cast
    const id = await createProject(api, buyer, cast.company)
    expect((await get(buyer, id)).body).toMatchObject({ via: 'user', missing: 3 })
    expect((await get(colleague, id)).body).toMatchObject({
      via: null,
      missing: 3,
      groups: [{ member: true, wrap: null }],
    })
    await api.call(contract.inviteSupplier, buyer.claims, { params: { id, companyId: rivalCompany } })
    for (const [person, status] of [
      [buyer, 'in_review'],
      [developer, 'approved'],
    ] as const) {
      await api.call(contract.changeRfxStatus, person.claims, { params: { id }, body: { status } })
    }
    expect((await get(rival, id)).body).toMatchObject({ via: null, role: 'supplier', missing: 0 })
    const approved = await createProjectOf(api, cast)
    await sql`delete from public.rfx_key_members where rfx_id = ${approved}::uuid and user_id = ${colleague.id}::uuid`.execute(
      database.owner,
    )
    const { body } = await get(colleague, approved)
    expect(body.via).toBe('company')
    expect(body.groups[0].wrap).toMatchObject({ via: 'company', ownerId: cast.company, encryptedSymmetricKey: null })
  })

  describe('of reviewers', () => {
    const name = (person: RfxPerson, userId: string, operation: contract.Operation = contract.nameDeveloper) =>
      api.call(operation, person.claims, { params: { userId } })
    const developers = async (person: RfxPerson) =>
      (await api.call(contract.listDevelopers, person.claims)).body.developers.map(({ id }: { id: string }) => id)

    it('shows them to everyone in the organisation, by name', async () => {
      const { developer, reviewer, supplier, stranger } = cast
      // Ingrid before Marit.
      expect(await developers(supplier)).toEqual([reviewer.id, developer.id])
      expect(await developers(stranger)).toEqual([stranger.id])
    })

    it('lets administrators of the organisation name and dismiss them', async () => {
      const { administrator, buyer, developer, outsider, stranger } = cast
      for (const person of [buyer, developer, outsider]) {
        for (const operation of [contract.nameDeveloper, contract.dismissDeveloper]) {
          expect(await name(person, outsider.id, operation)).toMatchObject({ status: 403, code: 'forbidden' })
        }
      }
      for (const person of [stranger.id, crypto.randomUUID()]) {
        expect(await name(administrator, person)).toMatchObject({ status: 404, code: 'not_found' })
      }
      expect(await name(stranger, outsider.id)).toMatchObject({ code: 'not_found' })
      for (const _ of [1, 2]) expect(await name(administrator, outsider.id)).toMatchObject({ status: 204 })
      expect(await developers(outsider)).toContain(outsider.id)
      for (const _ of [1, 2]) {
        expect(await name(administrator, outsider.id, contract.dismissDeveloper)).toMatchObject({ status: 204 })
      }
      expect(await developers(outsider)).not.toContain(outsider.id)
      const pseudonym = await pseudonymOf(database, outsider.id)
      const audit = (await readAudit(database)).filter(({ subject }) => subject === pseudonym)
      expect(audit.filter(({ user }) => user === administrator.id).map(({ action }) => action)).toEqual([
        'developer.create',
        'developer.remove',
      ])
      expect(audit.filter(({ outcome }) => outcome === 'refused')).toHaveLength(7)
    })
  })
})

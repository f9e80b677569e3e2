import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createCompanyOf, pseudonymOf, readAudit } from '../../../../tools/testing/managed-keys.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { distribute } from '../../../../tools/testing/rfx/keys.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import { createProjectAt, inOneHour } from '../../../../tools/testing/rfx/projects.ts'
import { isRekeyPending, readWraps } from '../../../../tools/testing/rfx/rows.ts'

describe.each(databaseEngines)('those who open bids [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: RfxCast
  /** A buyer company without a key: its administrator, and two more who do not administer it. */
  let keyless: { company: string; administrator: RfxPerson; maker: RfxPerson; member: RfxPerson }
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
  })
  // Some tests take somebody away.
  beforeEach(async () => {
    cast = await createRfxCast(database, api)
    const person = () => createRfxPerson(database, api, cast.organization)
    const [administrator, maker, member] = [await person(), await person(), await person()]
    const company = await createCompanyOf(database, cast.organization, {
      [administrator.id]: 'administrator',
      [maker.id]: 'member',
      [member.id]: 'member',
    })
    keyless = { company, administrator, maker, member }
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const ask = (operation: contract.Operation, { claims }: RfxPerson, params: Record<string, string>) =>
    api.call(operation, claims, { params })
  const change = (id: string, { claims }: RfxPerson, status: string) =>
    api.call(contract.changeRfxStatus, claims, { params: { id }, body: { status } })
  const exclude = (id: string, by: RfxPerson, { id: userId }: RfxPerson) =>
    ask(contract.excludeRfxMember, by, { id, userId })
  const dismiss = (id: string, by: RfxPerson, { id: userId }: RfxPerson) =>
    ask(contract.dismissOpener, by, { id, userId })
  const name = (id: string, by: RfxPerson, { id: userId }: RfxPerson) => ask(contract.nameOpener, by, { id, userId })
  const openersOf = async (id: string) => {
    const { rows } = await sql<{ user: string }>`
      select user_id as user from public.rfx_opener where rfx_id = ${id}::uuid`.execute(database.owner)
    return rows.map(({ user }) => user).sort()
  }
  const removals = async (id: string) =>
    (await readAudit(database))
      .filter(({ action, subject }) => action === 'rfx_opener.remove' && subject?.startsWith(id))
      .map(({ user, subject, outcome }) => [user, subject, outcome])
  const ids = (...people: readonly RfxPerson[]) => people.map(({ id }) => id).sort()
  const missing = (wanted: string) => ({ status: 409, code: 'openers_missing', data: { wanted } })
  const wantsMore = missing('company_key_or_second_opener')

  /** A project of the company without a key, by one who does not administer it. */
  const keylessProject = (openers: readonly RfxPerson[], until: 'in_review' | 'approved' = 'approved') =>
    createProjectAt(api, {
      buyer: keyless.maker,
      developer: cast.developer,
      companyId: keyless.company,
      suppliers: [cast.supplierCompany],
      openers,
      deadline: inOneHour(),
      until,
    })

  describe('are more than one, where their company has no key', () => {
    it('when the project is approved', async () => {
      const { maker, member } = keyless
      const id = await keylessProject([maker], 'in_review')
      expect(await change(id, cast.developer, 'approved')).toMatchObject(wantsMore)
      // Named, but without the key.
      await name(id, maker, member)
      expect(await change(id, cast.developer, 'approved')).toMatchObject(wantsMore)
      const { body } = await ask(contract.getRfx, maker, { id })
      await distribute(api, maker, body.groups[1].id)
      expect(await change(id, cast.developer, 'approved')).toMatchObject({ status: 200, body: { status: 'approved' } })
    })

    it('when the deadline is moved', async () => {
      const { maker, member, administrator } = keyless
      const id = await keylessProject([maker, member])
      const move = (deadline: string) =>
        api.call(contract.setRfxDeadline, maker.claims, { params: { id }, body: { deadline } })
      await ask(contract.removeCompanyMember, administrator, { id: keyless.company, userId: member.id })
      expect(await move(new Date(Date.now() + 7_200_000).toISOString())).toMatchObject(wantsMore)
      await ask(contract.removeCompanyMember, administrator, { id: keyless.company, userId: maker.id })
      await name(id, administrator, administrator)
      const later = { params: { id }, body: { deadline: new Date(Date.now() + 7_200_000).toISOString() } }
      expect(await api.call(contract.setRfxDeadline, administrator.claims, later)).toMatchObject(wantsMore)
    })

    it('when the key of one is compromised', async () => {
      const { maker, member } = keyless
      const id = await keylessProject([maker, member], 'in_review')
      await sql`update public.user_key set state = 'revoked', revoked_at = now() where user_id = ${member.id}::uuid`.execute(
        database.owner,
      )
      expect(await change(id, cast.developer, 'approved')).toMatchObject(wantsMore)
    })

    it('when one is dismissed or excluded, until the project has no deadline', async () => {
      const { maker, member, administrator } = keyless
      const id = await keylessProject([maker, member])
      for (const remove of [dismiss, exclude]) expect(await remove(id, maker, member)).toMatchObject(wantsMore)
      for (const remove of [dismiss, exclude]) expect(await remove(id, administrator, maker)).toMatchObject(wantsMore)
      expect(await openersOf(id)).toEqual(ids(maker, member))
      expect(await isRekeyPending(database, id)).toBe(false)
      // Somebody who opens nothing may go.
      expect(await dismiss(id, maker, administrator)).toMatchObject({ status: 404, code: 'not_found' })
      expect(await exclude(id, maker, administrator)).toMatchObject({ status: 204 })
    })

    it('but before it is approved one may go', async () => {
      const { maker, member } = keyless
      const id = await keylessProject([maker, member], 'in_review')
      expect(await exclude(id, maker, member)).toMatchObject({ status: 204 })
      expect(await openersOf(id)).toEqual([maker.id])
    })
  })

  it('are at least one, also with a company that has a key', async () => {
    const { buyer, colleague } = cast
    const project = await createProjectOf(api, cast, { openers: [buyer, colleague], deadline: inOneHour() })
    expect(await exclude(project, buyer, colleague)).toMatchObject({ status: 204 })
    expect(await dismiss(project, buyer, buyer)).toMatchObject(missing('opener'))
    expect(await name(project, buyer, cast.another)).toMatchObject({ status: 204 })
    expect(await dismiss(project, buyer, buyer)).toMatchObject({ status: 204 })
    expect(await exclude(project, buyer, cast.another)).toMatchObject(missing('opener'))
  })

  it('their maker and administrators are excluded only by who may name openers', async () => {
    const { maker, member, administrator } = keyless
    const id = await createProjectAt(api, {
      buyer: maker,
      developer: cast.developer,
      companyId: keyless.company,
      suppliers: [cast.supplierCompany],
      openers: [maker],
    })
    for (const one of [maker, administrator]) {
      expect(await exclude(id, member, one)).toMatchObject({ status: 403, code: 'forbidden' })
    }
    expect(await openersOf(id)).toEqual([maker.id])
    expect(await isRekeyPending(database, id)).toBe(false)
    // Administrators of other companies are nothing here.
    expect(await exclude(id, member, cast.supplier)).toMatchObject({ status: 204 })
    expect(await exclude(id, administrator, maker)).toMatchObject({ status: 204 })
    expect(await openersOf(id)).toEqual([])
    // Excluded already: nothing is done, so nothing is refused.
    expect(await exclude(id, member, maker)).toMatchObject({ status: 204 })
  })

  it('open nothing more once they are excluded, also when they are let in again', async () => {
    const { buyer, colleague } = cast
    const id = await createProjectOf(api, cast, { openers: [buyer, colleague], deadline: inOneHour() })
    const opening = (await ask(contract.getRfx, buyer, { id })).body.groups[1].id as string
    await exclude(id, buyer, colleague)
    expect(await openersOf(id)).toEqual([buyer.id])
    expect(await isRekeyPending(database, opening)).toBe(true)
    const pseudonym = await pseudonymOf(database, colleague.id)
    expect(await removals(id)).toEqual([[buyer.id, `${id}/${pseudonym}`, 'allowed']])
    expect(await ask(contract.readmitRfxMember, buyer, { id, userId: colleague.id })).toMatchObject({ status: 204 })
    expect((await ask(contract.getRfx, buyer, { id })).body.openers).toEqual([{ id: buyer.id, name: 'Silje Vik' }])
    const { rows } = await sql`select from nokkel.rfx_live_member
      where rfx_id = ${opening}::uuid and owner_id = ${colleague.id}::uuid`.execute(database.owner)
    expect(rows).toEqual([])
    expect(await readWraps(database, opening)).not.toContain(`user ${colleague.id}`)
  })

  it('open nothing more once they have left the company, also when they come back', async () => {
    const { buyer, colleague, company, organization } = cast
    const projects = [
      await createProjectOf(api, cast, { openers: [buyer, colleague], deadline: inOneHour() }),
      await createProjectOf(api, cast, { openers: [buyer, colleague], until: 'draft' }),
    ]
    const openings: string[] = []
    for (const id of projects) openings.push((await ask(contract.getRfx, buyer, { id })).body.groups[1].id)
    await ask(contract.removeCompanyMember, buyer, { id: company, userId: colleague.id })
    const pseudonym = await pseudonymOf(database, colleague.id)
    for (const id of projects) {
      expect(await openersOf(id)).toEqual([buyer.id])
      expect(await removals(id)).toEqual([[buyer.id, `${id}/${pseudonym}`, 'allowed']])
    }
    for (const opening of openings) expect(await isRekeyPending(database, opening)).toBe(true)
    await sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${company}::uuid, ${organization}::uuid, ${colleague.id}::uuid)`.execute(database.owner)
    for (const id of projects) {
      expect((await ask(contract.getRfx, colleague, { id })).body.openers.map((one: { id: string }) => one.id)).toEqual(
        [buyer.id],
      )
    }
  })

  it('go with their account, and with the company or the organisation', async () => {
    const { buyer, colleague, company, organization } = cast
    const id = await createProjectOf(api, cast, { openers: [buyer, colleague], deadline: inOneHour() })
    const pseudonym = await pseudonymOf(database, colleague.id)
    await sql`delete from public.app_user where auth_user_id = ${colleague.id}::uuid`.execute(database.owner)
    expect(await openersOf(id)).toEqual([buyer.id])
    // The pseudonym goes with the person; what was done stays.
    expect(await removals(id)).toEqual([[null, `${id}/${pseudonym}`, 'allowed']])
    await sql`delete from public.company where id = ${company}::uuid`.execute(database.owner)
    expect(await openersOf(id)).toEqual([])
    await sql`delete from public.organization where id = ${organization}::uuid`.execute(database.owner)
    const { rows } = await sql`select from public.rfxs where organization_id = ${organization}::uuid`.execute(
      database.owner,
    )
    expect(rows).toEqual([])
  })
})

import { changeCompanyMember, removeCompanyMember } from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createCompany, joinCompany } from '../../../../tools/testing/companies.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createOrganization, createPerson, type LoggedIn, logIn } from '../../../../tools/testing/people.ts'

describe.each(databaseEngines)('what a company may open [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let organization: string
  let ingrid: LoggedIn
  let company: string
  let rfx: string
  const person = async (role: 'member' | 'coordinator' = 'member') =>
    logIn(database, organization, await createPerson(database, organization, { role }))

  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    organization = await createOrganization(database)
    ingrid = await person('coordinator')
    company = await createCompany(api, ingrid)
    rfx = crypto.randomUUID()
    const key = crypto.randomUUID()
    const rows = [
      sql`insert into nokkel.master_key_version (key_id, check_value) values ('key', '\\x00')`,
      sql`insert into public.company_key (id, company_id, public_key, thumbprint, encrypted_private_key, envelope_hash, master_key_id)
        values (${key}::uuid, ${company}::uuid, 'x', ${'A'.repeat(43)}, 'envelope', sha256('x'), 'key')`,
      sql`insert into public.rfxs (id, organization_id, key_version) values (${rfx}::uuid, ${organization}::uuid, 2)`,
      sql`insert into public.rfx_key_version (rfx_id, version) values (${rfx}::uuid, 1), (${rfx}::uuid, 2)`,
      sql`insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key, key_id)
        values (${rfx}::uuid, ${company}::uuid, 'wrap 2', ${key}::uuid)`,
      sql`insert into public.rfx_key_history (rfx_id, version, company_id, encrypted_symmetric_key, company_key_id)
        values (${rfx}::uuid, 1, ${company}::uuid, 'wrap 1', ${key}::uuid)`,
    ]
    for (const row of rows) await row.execute(database.owner)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  /** What the present version and the one before it are answered with. */
  async function unwrap({ claims }: LoggedIn): Promise<(string | null)[]> {
    const both = <T>(value: T) => [value, value]
    const { rows } = await sql<{ problem: string | null; wrap: string | null }>`
      select problem, encrypted_symmetric_key as wrap from nokkel.crypto_service_batch(
        ${both(crypto.randomUUID())}::uuid[], ${both(claims.sub)}::uuid[], ${both(claims.sid)}::uuid[],
        ${both(claims.organization)}::uuid[], ${both('unwrap')}::text[], ${both(null)}::text[]::bytea[], ${both(rfx)}::uuid[],
        ${[2, 1]}::integer[], ${both('company')}::text[])`.execute(database.server)
    return rows.map(({ problem, wrap }) => problem ?? wrap)
  }
  const opens = ['wrap 2', 'wrap 1']
  const refused = ['open_refused', 'open_refused']

  it('is open to whoever has joined, whatever was wrapped before', async () => {
    const kari = await person()
    expect(await unwrap(kari)).toEqual(refused)
    await joinCompany(api, ingrid, company, kari)
    expect(await unwrap(kari)).toEqual(opens)
  })

  it('is closed to whoever is removed or leaves, at once', async () => {
    for (const by of ['administrator', 'themselves']) {
      const kari = await person()
      await joinCompany(api, ingrid, company, kari)
      expect(await unwrap(kari)).toEqual(opens)
      const { claims } = by === 'administrator' ? ingrid : kari
      await api.call(removeCompanyMember, claims, { params: { id: company, userId: kari.id } })
      expect(await unwrap(kari), by).toEqual(refused)
    }
  })

  it('stays open to an administrator who becomes a member', async () => {
    const marit = await person()
    await joinCompany(api, ingrid, company, marit, 'administrator')
    await api.call(changeCompanyMember, marit.claims, {
      params: { id: company, userId: marit.id },
      body: { role: 'member' },
    })
    expect(await unwrap(marit)).toEqual(opens)
  })

  it('is closed to whoever leaves the organisation, also when they come back to it', async () => {
    const kari = await person()
    await joinCompany(api, ingrid, company, kari)
    await sql`delete from public.organization_member where user_id = ${kari.id}::uuid`.execute(database.owner)
    expect(await unwrap(kari)).toEqual(['session_ended', 'session_ended'])
    await sql`insert into public.organization_member (organization_id, user_id)
      values (${organization}::uuid, ${kari.id}::uuid)`.execute(database.owner)
    expect(await unwrap(kari)).toEqual(refused)
  })

  it('is not open to somebody of it who is logged in to another organisation', async () => {
    const kari = await person()
    await joinCompany(api, ingrid, company, kari)
    const elsewhere = await createOrganization(database)
    await sql`insert into public.organization_member (organization_id, user_id)
      values (${elsewhere}::uuid, ${kari.id}::uuid)`.execute(database.owner)
    expect(await unwrap(await logIn(database, elsewhere, kari.id))).toEqual(refused)
    expect(await unwrap(kari)).toEqual(opens)
  })

  it('is not open to administrators of the organisation', async () => {
    const id = await createPerson(database, organization, { role: 'administrator' })
    expect(await unwrap(await logIn(database, organization, id))).toEqual(refused)
  })
})

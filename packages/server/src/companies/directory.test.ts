import { createCompany as createOperation, getCompany, listCompanies } from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createCompany, joinCompany } from '../../../../tools/testing/companies.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createOrganization, createPerson, type LoggedIn, logIn, type Role } from '../../../../tools/testing/people.ts'

const names = ['Ålesund Båt', 'Bergen [Bygg].*', 'Bodø & Sønn', 'Fjordbygg', 'Fjordbygg']

describe.each(databaseEngines)('companies [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let organization: string
  let ingrid: LoggedIn
  let kari: LoggedIn
  let ola: LoggedIn
  let stranger: LoggedIn
  let fjordbygg: string
  const person = async (of: string, name: string, role: Role = 'member') =>
    logIn(database, of, await createPerson(database, of, { name, role }))
  const list = async ({ claims }: LoggedIn, query: Record<string, string> = {}) =>
    (await api.call(listCompanies, claims, { query })).body

  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    organization = await createOrganization(database)
    const elsewhere = await createOrganization(database)
    ingrid = await person(organization, 'Ingrid Solberg', 'coordinator')
    kari = await person(organization, 'Kari Nordmann')
    ola = await person(organization, 'Ola Fjell')
    stranger = await person(elsewhere, 'Henrik Aas', 'administrator')
    for (const name of names) fjordbygg = await createCompany(api, ingrid, { name })
    await createCompany(api, stranger, { name: 'Nordlys Vind' })
    await joinCompany(api, ingrid, fjordbygg, kari)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  it('are made by coordinators, who become their administrators', async () => {
    const { status, body } = await api.call(createOperation, ingrid.claims, {
      body: { name: '  Vik Elektro ', organizationNumber: '912345678' },
    })
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        id: expect.any(String),
        name: 'Vik Elektro',
        organizationNumber: '912345678',
        key: null,
        role: 'administrator',
        members: [{ id: ingrid.id, name: 'Ingrid Solberg', role: 'administrator', joinedAt: expect.any(String) }],
        keys: [],
      },
    })
    const again = { body: { name: 'Vik Elektro', organizationNumber: '912345678' } }
    expect(await api.call(createOperation, ingrid.claims, again)).toMatchObject({ status: 409, code: 'conflict' })
    expect(await api.call(createOperation, stranger.claims, again)).toMatchObject({ status: 201 })
    await sql`delete from public.company where organization_number is not null`.execute(database.owner)
  })

  it('are not made by members', async () => {
    const body = { name: 'Nordmann Rør' }
    expect(await api.call(createOperation, kari.claims, { body })).toMatchObject({ status: 403, code: 'forbidden' })
    expect((await list(kari, { search: 'Rør' })).companies).toEqual([])
  })

  it.each([{}, { name: '' }, { name: ' ' }, { name: 'x'.repeat(201) }, { name: 'x', organizationNumber: '712345678' }])(
    'are not made of %j',
    async (body) => {
      expect(await api.call(createOperation, ingrid.claims, { body })).toMatchObject({ code: 'request_malformed' })
    },
  )

  it('are listed to everyone of the organisation once, over pages of any size', async () => {
    const all = (await list(ola)).companies
    expect(all.map(({ name }: { name: string }) => name).sort()).toEqual([...names].sort())
    for (const limit of ['1', '2', '4', '5']) {
      const seen: unknown[] = []
      let cursor: string | undefined
      do {
        const page = await list(ola, { limit, ...(cursor && { cursor }) })
        seen.push(...page.companies)
        cursor = page.nextCursor
      } while (cursor)
      expect(seen).toEqual(all)
    }
  })

  it('are found by any part of their name, every character for itself', async () => {
    const search = async (text: string) =>
      (await list(ola, { search: text })).companies.map(({ name }: { name: string }) => name)
    expect(await search('BODØ')).toEqual(['Bodø & Sønn'])
    expect(await search('[bygg].*')).toEqual(['Bergen [Bygg].*'])
    expect(await search('^')).toEqual([])
  })

  it('tell everyone what they are in them', async () => {
    const roleOf = async (of: LoggedIn) =>
      (await list(of)).companies.find(({ id }: { id: string }) => id === fjordbygg).role
    expect(await roleOf(ingrid)).toBe('administrator')
    expect(await roleOf(kari)).toBe('member')
    expect(await roleOf(ola)).toBeNull()
    expect((await list(kari, { mine: 'true' })).companies).toMatchObject([{ id: fjordbygg }])
    expect((await list(ola, { mine: 'true' })).companies).toEqual([])
  })

  it('show members and keys to those who are in them', async () => {
    const params = { id: fjordbygg }
    const { body } = await api.call(getCompany, kari.claims, { params })
    expect(body).toMatchObject({ name: 'Fjordbygg', role: 'member', keys: [] })
    expect(body.members).toMatchObject([
      { id: ingrid.id, name: 'Ingrid Solberg', role: 'administrator' },
      { id: kari.id, name: 'Kari Nordmann', role: 'member' },
    ])
    const administrator = await person(organization, 'Marit Strand', 'administrator')
    for (const { claims } of [ola, administrator, stranger]) {
      expect(await api.call(getCompany, claims, { params })).toMatchObject({ status: 404, code: 'not_found' })
    }
    expect(await api.call(getCompany, kari.claims, { params: { id: crypto.randomUUID() } })).toMatchObject({
      code: 'not_found',
    })
  })

  it('are those of one organisation', async () => {
    expect((await list(stranger)).companies).toMatchObject([{ name: 'Nordlys Vind' }])
    const both = await logIn(database, organization, stranger.id)
    expect(await api.call(listCompanies, both.claims)).toMatchObject({ status: 401, code: 'session_ended' })
  })

  it('give everyone the active key to wrap to, and members the earlier ones', async () => {
    await sql`insert into nokkel.master_key_version (key_id, check_value) values ('key', '\\x00') on conflict do nothing`.execute(
      database.owner,
    )
    const add = (state: string, thumbprint: string) =>
      sql`
      insert into public.company_key (id, company_id, public_key, thumbprint, encrypted_private_key, envelope_hash,
        master_key_id, state, superseded_at)
      values (gen_random_uuid(), ${fjordbygg}::uuid, ${state}, ${thumbprint}, 'secret', sha256('secret'), 'key', ${state},
        now())`.execute(database.owner)
    await add('superseded', 'S'.repeat(43))
    await add('active', 'A'.repeat(43))
    const { companies } = await list(ola, { search: 'fjordbygg' })
    expect(companies.find(({ id }: { id: string }) => id === fjordbygg).key).toEqual({
      id: expect.any(String),
      publicKey: 'active',
      thumbprint: 'A'.repeat(43),
      createdAt: expect.any(String),
    })
    const { body } = await api.call(getCompany, kari.claims, { params: { id: fjordbygg } })
    expect(body.key.publicKey).toBe('active')
    expect(body.keys.map(({ state }: { state: string }) => state).sort()).toEqual(['active', 'superseded'])
    expect(body.keys).toMatchObject([
      { wraps: 0, revokedAt: null },
      { wraps: 0, destroyedAt: null },
    ])
    expect(JSON.stringify(body)).not.toContain('secret')
  })
})

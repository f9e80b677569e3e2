import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createEquipped,
  createOrganization,
  createPerson,
  type Equipped,
  equip,
  type LoggedIn,
  logIn,
  refusalOf,
} from '../../../../tools/testing/people.ts'
import { encodeCursor } from '../db/page-cursor.ts'
import { withClaims } from '../db/with-claims.ts'
import { listMembers, lookUpMembers } from './members.ts'
import { selectMe, selectOrganizations } from './store.ts'

const names = ['Ørjan Åsen', 'Kari Nordmann', 'Kari Nordmann', 'Per % Tegn_', 'Ola [Fjell].*']

describe.each(databaseEngines)('members [%s]', (engine) => {
  let database: TestDatabase
  let organization: string
  let elsewhere: string
  let ingrid: Equipped
  let member: LoggedIn
  let stranger: LoggedIn
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organization = await createOrganization(database, { slug: 'likeperson' })
    elsewhere = await createOrganization(database, { slug: 'nordlys' })
    ingrid = await createEquipped(database, organization, { name: 'Ingrid Solberg', role: 'coordinator' })
    for (const name of names) await createPerson(database, organization, { name })
    member = await logIn(database, organization, await createPerson(database, organization, { name: 'Ola Medlem' }))
    const id = await createPerson(database, elsewhere, { name: 'Henrik Aas', role: 'administrator' })
    stranger = await logIn(database, elsewhere, id)
  })
  afterAll(() => database.close())

  const list = ({ claims }: LoggedIn, query: { cursor?: string; limit?: number; search?: string } = {}) =>
    listMembers(database.server, claims, { limit: 50, ...query })
  const search = async (text: string) => (await list(ingrid, { search: text })).members.map(({ name }) => name)

  it('lists every member once over pages of any size', async () => {
    const all = (await list(ingrid)).members
    expect(all).toHaveLength(names.length + 2)
    for (const limit of [1, 2, 3, 7]) {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await list(ingrid, { limit, ...(cursor && { cursor }) })
        expect(page.members.length).toBeLessThanOrEqual(limit)
        seen.push(...page.members.map(({ id }) => id))
        cursor = page.nextCursor
      } while (cursor)
      expect(seen).toEqual(all.map(({ id }) => id))
    }
  })

  it('gives the active devices, and nothing that describes them', async () => {
    const { members } = await list(ingrid, { search: 'solberg' })
    expect(members).toEqual([
      {
        id: ingrid.id,
        name: 'Ingrid Solberg',
        role: 'coordinator',
        joinedAt: expect.any(String),
        devices: [
          {
            id: ingrid.deviceId,
            encryptionKey: ingrid.encryptionKey,
            thumbprint: expect.any(String),
            registeredAt: expect.any(String),
          },
        ],
      },
    ])
  })

  it('leaves out devices that have ended', async () => {
    const old = await createEquipped(database, organization, { name: 'Tone Bytter' })
    const device = await equip(database, await logIn(database, organization, old.id), { replaces: true })
    const { members } = await list(ingrid, { search: 'tone' })
    expect(members[0]?.devices.map(({ id }) => id)).toEqual([device.deviceId])
  })

  it('finds parts of names, whatever the case', async () => {
    expect(await search('nordM')).toEqual(['Kari Nordmann', 'Kari Nordmann'])
    expect(await search('øRJAN å')).toEqual(['Ørjan Åsen'])
    expect(await search('  ')).toHaveLength((await list(ingrid)).members.length)
  })

  it('takes every character for itself', async () => {
    expect(await search('%')).toEqual(['Per % Tegn_'])
    expect(await search('_')).toEqual(['Per % Tegn_'])
    expect(await search('[Fjell].*')).toEqual(['Ola [Fjell].*'])
    for (const nothing of ['.', '^', '(?i)', '***=Kari', '\\', "'; drop table app_user; --"]) {
      expect((await search(nothing)).filter((name) => !name.includes('.*'))).toEqual([])
    }
    expect(await refusalOf(list(ingrid, { search: 'a\0' }))).toBe('request_malformed')
  })

  it.each([
    'x',
    'AAAA',
    btoa('["a"]').replace(/=+$/, ''),
    encodeCursor({ key: 'a', id: 'b' }),
    encodeCursor({ key: '\0', id: '00000000-0000-4000-8000-000000000001' }),
  ])('refuses the cursor %s', async (cursor) => {
    expect(await refusalOf(list(ingrid, { cursor }))).toBe('request_malformed')
  })

  it('is not for members', async () => {
    expect(await refusalOf(list(member))).toBe('forbidden')
    expect(await refusalOf(lookUpMembers(database.server, member.claims, [ingrid.id]))).toBe('forbidden')
  })

  it('is of one organisation only', async () => {
    expect((await list(stranger)).members.map(({ name }) => name)).toEqual(['Henrik Aas'])
    const { members } = await lookUpMembers(database.server, stranger.claims, [ingrid.id, stranger.id])
    expect(members.map(({ id }) => id)).toEqual([stranger.id])
    const forged = { ...stranger, claims: { ...stranger.claims, organization } }
    expect(await refusalOf(list(forged))).toBe('forbidden')
  })

  it('looks up members by id and leaves out who is none', async () => {
    const ids = [member.id, crypto.randomUUID(), ingrid.id]
    const { members } = await lookUpMembers(database.server, ingrid.claims, ids)
    expect(members.map(({ name }) => name)).toEqual(['Ingrid Solberg', 'Ola Medlem'])
  })

  it('tells who is logged in, where and as what', async () => {
    expect(await withClaims(database.server, ingrid.claims, selectMe)).toMatchObject({
      id: ingrid.id,
      name: 'Ingrid Solberg',
      organization: { id: organization, slug: 'likeperson', devicePolicy: 'one' },
      role: 'coordinator',
      session: { id: ingrid.claims.sid, provider: 'bankid', deviceId: ingrid.deviceId },
      personnummerVerified: false,
    })
    await sql`
      insert into public.user_identities (user_id, personnummer_index, personnummer_index_key)
      values (${member.id}::uuid, sha256('x'), 'key')`.execute(database.owner)
    expect(await withClaims(database.server, member.claims, selectMe)).toMatchObject({
      role: 'member',
      session: { deviceId: null },
      personnummerVerified: true,
    })
  })

  it('lists the organisations without a login', async () => {
    expect((await selectOrganizations(database.server)).map(({ slug }) => slug)).toEqual(['likeperson', 'nordlys'])
  })
})

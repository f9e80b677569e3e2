import { readFileSync } from 'node:fs'
import { bankidAltsub, people, vippsSubject } from '@nokkel/sandbox'
import { parseOrganizations } from '@nokkel/server'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from './database.ts'

const seed = readFileSync(new URL('../../supabase/seed.sql', import.meta.url), 'utf8')
const partners = ['fjordhjelpen', 'hjertelaget', 'likeperson', 'nordlys']
const roles = { koordinator: 'coordinator', 'medlem-1': 'member', 'medlem-2': 'member' }
/** Of the first partner, and in the third by their BankID as well. */
const guests = ['likeperson-koordinator', 'likeperson-medlem-1', 'likeperson-medlem-2']

describe.each(databaseEngines)('seed [%s]', (engine) => {
  let database: TestDatabase
  const look = async <Row>(query: ReturnType<typeof sql<Row>>) => (await query.execute(database.owner)).rows
  const plant = () =>
    database.owner.transaction().execute(async (transaction) => {
      const statements = seed.split(/;\n/).filter((text) => text.trim())
      for (const statement of statements) await sql.raw(statement).execute(transaction)
    })
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    await plant()
  })
  afterAll(() => database.close())

  it('has four partners', async () => {
    const organizations = await look(sql`
      select slug, name, device_policy, enrollment from public.organization order by slug`)
    expect(organizations).toEqual([
      { slug: 'fjordhjelpen', name: 'Fjordhjelpen', device_policy: 'several', enrollment: 'open' },
      { slug: 'hjertelaget', name: 'Hjertelaget', device_policy: 'one', enrollment: 'open' },
      { slug: 'likeperson', name: 'Likeperson', device_policy: 'one', enrollment: 'open' },
      { slug: 'nordlys', name: 'Nordlys', device_policy: 'one', enrollment: 'invited' },
    ])
  })

  it('has them as production has them', async () => {
    const file = readFileSync(new URL('../../supabase/partners.json', import.meta.url), 'utf8')
    const described = parseOrganizations(file, 'partners.json', {})
    const organizations = await look(sql`
      select slug, name, device_policy as "devicePolicy", enrollment from public.organization order by slug`)
    const bySlug = described.map(({ missing: _, ...description }) => description)
    expect(bySlug.sort((one, other) => (one.slug < other.slug ? -1 : 1))).toEqual(organizations)
    expect(described.flatMap(({ missing = [] }) => missing)).toHaveLength(2 * partners.length)
  })

  it('has them as clients of the sandbox, without secrets, each with its cost', async () => {
    const clients = await look(sql`
      select o.slug, c.client_id, c.environment, c.enabled, c.secret_set, p.price_per_login_ore > 0 as priced
      from public.organization o join public.vipps_org_config c on c.organization_id = o.id
      join public.vipps_org_cost_config p on p.organization_id = o.id order by o.slug`)
    expect(clients).toEqual(
      partners.map((slug) => ({
        slug,
        client_id: `nokkel-${slug}`,
        environment: 'test',
        enabled: true,
        secret_set: false,
        priced: true,
      })),
    )
  })

  it('knows the people of the sandbox by both logins, in their roles', async () => {
    const found = await look(sql<{ key: string }>`
      select concat_ws(' ', o.slug, m.role, i.provider, i.subject, u.name) as key
      from public.external_identity i
      join public.organization o on i.client_id in ('*', 'nokkel-' || o.slug)
      join public.organization_member m on m.organization_id = o.id and m.user_id = i.user_id
      join public.app_user u on u.auth_user_id = i.user_id`)
    const nameOf = (id: string) => {
      const person = people.find((candidate) => candidate.id === id)
      return `${person?.givenName} ${person?.familyName}`
    }
    const expected = partners.flatMap((slug) => {
      const staff = Object.entries(roles).map(([suffix, role]) => [`${slug}-${suffix}`, role] as const)
      return [...staff, ['administrator', 'administrator'] as const].flatMap(([id, role]) => {
        const name = nameOf(id)
        return [
          `${slug} ${role} bankid ${bankidAltsub(id)} ${name}`,
          `${slug} ${role} vipps ${vippsSubject(`nokkel-${slug}`, id)} ${name}`,
        ]
      })
    })
    const invited = guests.map((id) => `fjordhjelpen member bankid ${bankidAltsub(id)} ${nameOf(id)}`)
    expect(found.map(({ key }) => key).sort()).toEqual([...expected, ...invited].sort())
  })

  it('knows by which organisation each Vipps came', async () => {
    const foreign = await look(sql`
      select i.subject from public.external_identity i left join public.organization o on o.id = i.organization_id
      where i.client_id is distinct from coalesce('nokkel-' || o.slug, '*')`)
    expect(foreign).toEqual([])
  })

  it('has lists of a real length, and nobody twice', async () => {
    const counts = await look(sql`
      select o.slug, count(*)::int as members from public.organization o
      join public.organization_member m on m.organization_id = o.id group by o.slug order by o.slug`)
    expect(counts).toEqual([
      { slug: 'fjordhjelpen', members: 7 },
      { slug: 'hjertelaget', members: 4 },
      { slug: 'likeperson', members: 44 },
      { slug: 'nordlys', members: 4 },
    ])
    expect(await look(sql`select name from public.app_user group by name having count(*) > 1`)).toEqual([])
  })

  it('has companies of one partner, each with an administrator, and with numbers nobody can have', async () => {
    const companies = await look(sql<{ name: string; number: string; people: string[] }>`
      select c.name, c.organization_number as number,
        array_agg(u.name || ' ' || m.role order by m.role, u.name) as people
      from public.company c join public.organization o on o.id = c.organization_id and o.slug = 'fjordhjelpen'
      join public.company_member m on m.company_id = c.id join public.app_user u on u.auth_user_id = m.user_id
      group by c.id order by c.organization_number`)
    expect(companies.map(({ name, people: members }) => [name, members])).toEqual([
      ['Vik og Ødegård Elektro', ['Silje Vik administrator', 'Bjørn Ødegård member']],
      ['Gáhpir Trebygg', ['Áile Gaup administrator']],
      ['Åsgårdstrand Rør', ['Bjørn Ødegård administrator', 'Áile Gaup member']],
      ['Fjordhjelpen Innkjøp', ['Silje Vik administrator', 'Kari Nordmann member']],
      ['Fjell Malermester', ['Ola Fjell administrator']],
    ])
    const weights = [3, 2, 7, 6, 5, 4, 3, 2, 1]
    for (const { number } of companies) {
      const sum = weights.reduce((total, weight, index) => total + weight * Number(number[index]), 0)
      expect(sum % 11, number).not.toBe(0)
    }
  })

  it('has reviewers where there are projects', async () => {
    const reviewers = await look(sql`
      select o.slug, u.name from public.organization_member m join public.organization o on o.id = m.organization_id
      join public.app_user u on u.auth_user_id = m.user_id where m.is_developer order by u.name`)
    expect(reviewers).toEqual([
      { slug: 'fjordhjelpen', name: 'Ingrid Solberg' },
      { slug: 'fjordhjelpen', name: 'Marit Strand' },
    ])
  })

  it('changes nothing when it runs again', async () => {
    const count = sql`
      select (select count(*)::int from public.app_user) as people, (select count(*)::int from public.organization_member) as
        members, (select count(*)::int from public.external_identity) as identities,
        (select count(*)::int from public.company) as companies, (select count(*)::int from public.company_member) as partners`
    const before = await look(count)
    await plant()
    expect(await look(count)).toEqual(before)
  })
})

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoggedIn, readAudit } from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, type LoggedIn } from '../../../../tools/testing/people.ts'
import type { CryptoAction, Item } from './authorise.ts'
import { decideItems } from './decisions.ts'

describe.each(databaseEngines)('decisions [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  type Quotas = Partial<Record<CryptoAction, number>>
  async function organizationWith({ encrypt = 20_000, decrypt = 500_000, unwrap = 1_000_000 }: Quotas) {
    const id = await createOrganization(database)
    await sql`insert into nokkel.crypto_quota values (${id}::uuid, ${encrypt}, ${decrypt}, ${unwrap})`.execute(
      database.owner,
    )
    return id
  }
  const itemsOf = ({ claims }: LoggedIn, count: number, action: CryptoAction = 'encrypt'): Item[] =>
    Array.from({ length: count }, () => ({ requestId: crypto.randomUUID(), claims, action }))
  const decide = async (items: readonly Item[]) =>
    (await decideItems(database.server, items)).map(({ problem }) => problem)
  const usageOf = async (organization: string) => {
    const { rows } = await sql<{ action: string; items: string }>`
      select action, items from nokkel.crypto_usage where organization_id = ${organization}::uuid order by 1`.execute(
      database.owner,
    )
    return Object.fromEntries(rows.map(({ action, items }) => [action, Number(items)]))
  }

  it('allows up to the quota and not one more, in one statement or in several', async () => {
    const organization = await organizationWith({ encrypt: 5 })
    const person = await createLoggedIn(database, organization)
    expect(await decide(itemsOf(person, 3))).toEqual([null, null, null])
    expect(await decide(itemsOf(person, 4))).toEqual([null, null, 'quota_exceeded', 'quota_exceeded'])
    expect(await decide(itemsOf(person, 1))).toEqual(['quota_exceeded'])
  })

  it('counts each action and each organisation for itself, of many people at once', async () => {
    const organizations = [await organizationWith({ encrypt: 1 }), await organizationWith({ encrypt: 2 })]
    const [one, other, third] = [
      await createLoggedIn(database, organizations[0] ?? ''),
      await createLoggedIn(database, organizations[1] ?? ''),
      await createLoggedIn(database, organizations[1] ?? ''),
    ]
    const decisions = await decide([
      ...itemsOf(one, 2),
      ...itemsOf(other, 1),
      ...itemsOf(one, 1, 'decrypt'),
      ...itemsOf(third, 2),
    ])
    expect(decisions).toEqual([null, 'quota_exceeded', null, 'open_refused', null, 'quota_exceeded'])
    expect(await Promise.all(organizations.map(usageOf))).toEqual([{ encrypt: 2 }, { encrypt: 3 }])
  })

  it('does not count what is refused for another reason', async () => {
    const organization = await organizationWith({ encrypt: 2 })
    const person = await createLoggedIn(database, organization)
    const gone = { ...person, claims: { ...person.claims, sid: crypto.randomUUID() } }
    const decisions = await decide([...itemsOf(gone, 3), ...itemsOf(person, 2), ...itemsOf(person, 1, 'decrypt')])
    expect(decisions).toEqual(['session_ended', 'session_ended', 'session_ended', null, null, 'open_refused'])
    expect(await usageOf(organization)).toEqual({ encrypt: 2 })
  })

  it('holds the quota when statements come at the same time', async () => {
    const organization = await organizationWith({ encrypt: 25 })
    const people = await Promise.all(Array.from({ length: 4 }, () => createLoggedIn(database, organization)))
    const decisions = await Promise.all(people.map((person) => decide(itemsOf(person, 10))))
    expect(decisions.flat().filter((problem) => problem === null)).toHaveLength(25)
    expect(decisions.flat().filter((problem) => problem === 'quota_exceeded')).toHaveLength(15)
  })

  it('does not hold statements up against each other that name organisations in another order', async () => {
    const organizations = await Promise.all([organizationWith({}), organizationWith({}), organizationWith({})])
    const people = await Promise.all(organizations.map((id) => createLoggedIn(database, id)))
    const items = people.flatMap((person) => [...itemsOf(person, 2), ...itemsOf(person, 2, 'decrypt')])
    const orders = Array.from({ length: 10 }, (_, turn) => [...items.slice(turn), ...items.slice(0, turn)])
    for (const decisions of await Promise.all(orders.map(decide))) {
      expect(decisions.filter((problem) => problem === null)).toHaveLength(6)
    }
    expect(await Promise.all(organizations.map(usageOf))).toEqual(Array(3).fill({ encrypt: 20 }))
  })

  it('begins a new day with nothing used', async () => {
    const organization = await organizationWith({ encrypt: 1 })
    const person = await createLoggedIn(database, organization)
    expect(await decide(itemsOf(person, 2))).toEqual([null, 'quota_exceeded'])
    await sql`update nokkel.crypto_usage set day = day - 1 where organization_id = ${organization}::uuid`.execute(
      database.owner,
    )
    expect(await decide(itemsOf(person, 1))).toEqual([null])
  })

  it('records each item in its order, under its own request and person', async () => {
    const organization = await organizationWith({ encrypt: 1 })
    const [one, other] = [await createLoggedIn(database, organization), await createLoggedIn(database, organization)]
    const rfxId = crypto.randomUUID()
    const before = (await readAudit(database)).length
    const items: Item[] = [
      ...itemsOf(other, 1),
      ...itemsOf(one, 1),
      { requestId: crypto.randomUUID(), claims: one.claims, action: 'unwrap', rfxId, version: 3, via: 'company' },
    ]
    await decide(items)
    expect((await readAudit(database)).slice(before)).toEqual([
      { user: other.id, action: 'crypto_service.encrypt', subject: null, outcome: 'allowed', problem: null },
      { user: one.id, action: 'crypto_service.encrypt', subject: null, outcome: 'refused', problem: 'quota_exceeded' },
      {
        user: one.id,
        action: 'crypto_service.unwrap',
        subject: `${rfxId}/3/company`,
        outcome: 'refused',
        problem: 'open_refused',
      },
    ])
    const { rows } = await sql<{ id: string }>`
      select request_id as id from nokkel.audit_log order by nokkel.audit_log.id desc limit 3`.execute(database.owner)
    expect(rows.map(({ id }) => id)).toEqual(items.map(({ requestId }) => requestId).reverse())
  })

  it('refuses an action it does not know', async () => {
    const person = await createLoggedIn(database, await organizationWith({}))
    expect(await decide(itemsOf(person, 1, 'sign' as CryptoAction))).toEqual(['open_refused'])
  })
})

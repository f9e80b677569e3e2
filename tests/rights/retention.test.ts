import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { createEquipped, createOrganization, type Equipped, logIn } from '../../tools/testing/people.ts'
import { callsOf } from '../merge/testing/calls.ts'
import { createPair } from '../merge/testing/pair.ts'
import { holdEverything } from './testing/held.ts'

describe.each(databaseEngines)('who does not come back [%s]', { timeout: 60_000 }, (engine) => {
  let database: TestDatabase
  let api: TestApi
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const run = (statement: ReturnType<typeof sql>) => statement.execute(database.owner)
  const rows = async <Row>(statement: ReturnType<typeof sql<Row>>) => (await statement.execute(database.owner)).rows
  const sweep = async () =>
    (await sql<{ swept: Record<string, number> }>`select nokkel.sweep() as swept`.execute(database.server)).rows[0]
      ?.swept
  async function createHeld(organization: string): Promise<Equipped> {
    const person = await createEquipped(database, organization)
    await holdEverything(database, api, person)
    return person
  }
  /** As if they had last logged in then; of all their organisations, or of one. */
  async function lastSeen({ id }: { readonly id: string }, days: number, organization: string | null = null) {
    await run(sql`update nokkel.organization_login set last_login_at = now() - make_interval(days => ${days}::integer)
      where user_id = ${id}::uuid and (${organization}::uuid is null or organization_id = ${organization}::uuid)`)
    await run(sql`update public.external_identity set last_login_at = now() - make_interval(days => ${days}::integer)
      where user_id = ${id}::uuid`)
  }
  const heldOf = async ({ id }: { readonly id: string }) =>
    (
      await rows(sql<{ held: number; keys: number; offers: number; consents: number }>`
        select num_nonnulls(personnummer, personnummer_source, personnummer_kept_at, personnummer_index,
            personnummer_index_key, phone_index, email_index, contact_index_key, contact, contact_updated_at) as held,
          (select count(*)::int from nokkel.person_key where user_id = ${id}::uuid) as keys,
          (select count(*)::int from nokkel.offered_personnummer where user_id = ${id}::uuid) as offers,
          (select count(*)::int from public.consent where user_id = ${id}::uuid and withdrawn_at is null) as consents
        from public.user_identities where user_id = ${id}::uuid`)
    )[0]
  const everything = { held: 10, keys: 1, offers: 1, consents: 3 }
  const nothing = { held: 0, keys: 0, offers: 0, consents: 0 }

  it('is forgotten after as many days as the organisation says, and not before', async () => {
    const [threeYears, month] = [await createOrganization(database), await createOrganization(database)]
    await run(sql`update public.organization set retention_days = 30 where id = ${month}::uuid`)
    const [a, b, c, d] = [
      await createHeld(threeYears),
      await createHeld(threeYears),
      await createHeld(month),
      await createHeld(month),
    ]
    await lastSeen(a, 1094)
    await lastSeen(b, 1096)
    await lastSeen(c, 29)
    await lastSeen(d, 31)
    expect(await sweep()).toMatchObject({ forgotten: 2 })
    expect(await Promise.all([a, b, c, d].map(heldOf))).toEqual([everything, nothing, everything, nothing])
    expect(await sweep()).toMatchObject({ forgotten: 0 })
    const stays = await rows(sql`
      select (select count(*)::int from public.app_user where auth_user_id = ${b.id}::uuid) as accounts,
        (select count(*)::int from public.external_identity where user_id = ${b.id}::uuid) as logins,
        (select bankid_verified from public.user_identities where user_id = ${b.id}::uuid) as verified`)
    expect(stays).toEqual([{ accounts: 1, logins: 1, verified: true }])
    const audit = await rows(sql`
      select a.outcome from nokkel.audit_log a join nokkel.pseudonym p on p.pseudonym = a.actor
      where a.action = 'person.forget' and p.user_id in (${b.id}::uuid, ${d.id}::uuid)`)
    expect(audit).toHaveLength(2)
    // What they agreed to is over, and the log of the organisation says so.
    const over = await rows<{ subject: string; organization: string }>(sql`
      select a.subject_id as subject, a.organization_id as organization
      from nokkel.audit_log a join nokkel.pseudonym p on p.pseudonym = a.actor
      where a.action = 'consent.withdraw' and p.user_id in (${b.id}::uuid, ${d.id}::uuid)`)
    const consents = await rows<{ subject: string; organization: string }>(sql`
      select id as subject, organization_id as organization from public.consent
      where user_id in (${b.id}::uuid, ${d.id}::uuid) and withdrawn_at is not null`)
    expect(consents).toHaveLength(6)
    const bySubject = (one: { subject: string }, other: { subject: string }) => (one.subject < other.subject ? -1 : 1)
    expect(over.sort(bySubject)).toEqual(consents.sort(bySubject))
  })

  it('is kept while one of their organisations has seen them', async () => {
    const [one, other] = [await createOrganization(database), await createOrganization(database)]
    await run(sql`update public.organization set retention_days = 30 where id = ${one}::uuid`)
    const person = await createHeld(one)
    await run(sql`insert into public.organization_member (organization_id, user_id)
      values (${other}::uuid, ${person.id}::uuid)`)
    await logIn(database, other, person.id)
    await lastSeen(person, 100, one)
    expect(await sweep()).toMatchObject({ forgotten: 0 })
    await lastSeen(person, 2000)
    await logIn(database, one, person.id)
    expect(await sweep()).toMatchObject({ forgotten: 0 })
    await lastSeen(person, 2000)
    expect(await sweep()).toMatchObject({ forgotten: 1 })
  })

  it('is judged by the default when they are in no organisation, and by when they came if they never logged in', async () => {
    const organization = await createOrganization(database)
    const [gone, invited] = [await createHeld(organization), await createHeld(organization)]
    await run(sql`delete from public.organization_member where user_id = ${gone.id}::uuid`)
    await run(sql`delete from nokkel.organization_login where user_id = ${invited.id}::uuid`)
    expect(await sweep()).toMatchObject({ forgotten: 0 })
    await lastSeen(gone, 1096)
    await run(sql`update public.organization_member set created_at = now() - interval '1096 days'
      where user_id = ${invited.id}::uuid`)
    expect(await sweep()).toMatchObject({ forgotten: 2 })
  })

  it('is known by the logins of the account that became theirs', async () => {
    const pair = await createPair(database, api)
    await holdEverything(database, api, pair.other)
    await run(sql`delete from nokkel.organization_login where user_id = ${pair.survivor.id}::uuid`)
    await run(sql`update public.organization_member set created_at = now() - interval '5 years'
      where user_id in (${pair.survivor.id}::uuid, ${pair.other.id}::uuid)`)
    expect(await callsOf(api).merge(pair)).toMatchObject({ status: 200 })
    expect(await sweep()).toMatchObject({ forgotten: 0 })
    await lastSeen(pair.other, 1096)
    expect(await sweep()).toMatchObject({ forgotten: 1 })
    // An undo does not bring back what was forgotten.
    expect(await callsOf(api).undo(pair)).toMatchObject({ status: 200 })
    for (const { id } of [pair.survivor, pair.other]) {
      expect(
        await rows(sql`select from public.user_identities where user_id = ${id}::uuid
          and num_nonnulls(personnummer, personnummer_index, contact, phone_index, email_index) > 0`),
      ).toEqual([])
    }
  })
})

import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepContact } from '../../packages/server/src/auth/contact-store.ts'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { logIn } from '../../tools/testing/people.ts'
import { answerOf, openGroup, rekey } from '../../tools/testing/rfx.ts'
import { isRekeyPending, readFaults, readWraps } from '../../tools/testing/rfx-cast.ts'
import { callsOf } from './testing/calls.ts'
import { dumpTables } from './testing/dump.ts'
import { createPair, type Pair } from './testing/pair.ts'

describe.each(databaseEngines)('a merge is undone later [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let calls: ReturnType<typeof callsOf>
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    calls = callsOf(api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const run = (statement: ReturnType<typeof sql>) => statement.execute(database.owner)
  const merged = async (): Promise<Pair> => {
    const pair = await createPair(database, api)
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    return pair
  }
  const one = async <T>(statement: ReturnType<typeof sql<T>>) => (await statement.execute(database.owner)).rows[0]

  it('keeping what a login has told since', async () => {
    const pair = await merged()
    const { survivor, other } = pair
    await run(sql`update public.external_identity set last_login_at = now() where user_id = ${survivor.id}::uuid`)
    const dependencies = { database: database.server, keyring: api.keyring, logger: () => undefined }
    const told = { phoneNumber: '+4790000056', email: null, address: null }
    await keepContact(dependencies, survivor.id, async () => told)
    const { contact: before } = (await api.call(contract.listLogins, survivor.claims)).body
    expect(before).toMatchObject(told)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    const { contact, logins } = (await api.call(contract.listLogins, survivor.claims)).body
    expect(contact).toEqual(before)
    expect(logins).toHaveLength(1)
    const again = await logIn(database, pair.organization, other.id)
    const others = (await api.call(contract.listLogins, again.claims)).body
    expect(others.contact).toMatchObject({ phoneNumber: '+4790000034' })
    expect(others.logins).toHaveLength(2)
  })

  it.each<[string, (pair: Pair) => Promise<unknown>]>([
    [
      'a login was removed',
      ({ other }) =>
        run(sql`delete from public.external_identity where provider = 'bankid'
      and user_id in (select survivor_id from nokkel.former_account where user_id = ${other.id}::uuid)`),
    ],
    [
      'a key was revoked',
      async ({ survivor }) => {
        const { keys } = await answerOf(api, contract.listUserKeys, survivor)
        const moved = keys.find(({ state }: { state: string }) => state === 'superseded')
        await answerOf(api, contract.revokeUserKey, survivor, { params: { id: moved.id } })
      },
    ],
    [
      'thirty days are over',
      ({ duplicate }) =>
        run(
          sql`update nokkel.account_merge set merged_at = now() - interval '30 days' where duplicate_id = ${duplicate}::uuid`,
        ),
    ],
    [
      'the account that was kept was merged into another one',
      async ({ survivor, buyer }) =>
        run(
          sql`update nokkel.former_account set survivor_id = ${buyer.id}::uuid where survivor_id = ${survivor.id}::uuid`,
        ),
    ],
  ])('not once %s', async (_, change) => {
    const pair = await merged()
    await change(pair)
    const before = await dumpTables(database)
    expect(await calls.undo(pair)).toMatchObject({ status: 409, code: 'merge_not_undoable' })
    expect(await dumpTables(database)).toEqual(before)
  })

  it('not once its images are swept, and who it was is still known', async () => {
    const pair = await merged()
    await run(
      sql`update nokkel.account_merge set merged_at = now() - interval '30 days' where duplicate_id = ${pair.duplicate}::uuid`,
    )
    await sql`select nokkel.sweep()`.execute(database.server)
    expect(
      await one(sql<{ rows: number }>`select count(*)::int as rows from nokkel.account_merge_row j
      join nokkel.account_merge m on m.id = j.merge_id where m.duplicate_id = ${pair.duplicate}::uuid`),
    ).toEqual({ rows: 0 })
    expect(await calls.undo(pair)).toMatchObject({ code: 'merge_not_undoable' })
    expect((await api.call(contract.getMe, pair.survivor.claims)).body.formerIds).toEqual([pair.other.id])
    expect((await calls.list(pair, { state: 'merged' })).body.duplicates[0]).toMatchObject({
      merge: { survivor: pair.survivor.id },
    })
  })

  it('only once', async () => {
    const pair = await merged()
    expect(await calls.undo(pair)).toMatchObject({ status: 200, body: { state: 'open', merge: null } })
    const before = await dumpTables(database)
    expect(await calls.undo(pair)).toMatchObject({ status: 409, code: 'merge_not_undoable' })
    expect(await dumpTables(database)).toEqual(before)
    // It may be merged once more, the other way round.
    expect(await calls.merge(pair, pair.deputy, undefined, pair.other.id)).toMatchObject({ status: 200 })
  })

  it('keeping the keys of projects that have a new version', async () => {
    const pair = await merged()
    const { survivor, other, buyer, shared, theirs } = pair
    for (const group of [shared, theirs]) await rekey(api, buyer, group)
    expect(await openGroup(api, survivor, theirs)).toBeDefined()
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    // In one the kept account is still, in the other no more; the other account waits in both.
    expect(await readWraps(database, shared)).toContain(`user ${survivor.id}`)
    expect(await readWraps(database, theirs)).not.toContain(`user ${survivor.id}`)
    for (const group of [shared, theirs]) {
      expect(await isRekeyPending(database, group)).toBe(true)
      expect(await readWraps(database, group)).not.toContain(`user ${other.id}`)
      await rekey(api, buyer, group)
      expect(await readWraps(database, group)).toContain(`user ${other.id}`)
      expect(await readFaults(database, group)).not.toContain('wrap_surplus')
    }
    expect(await one(sql`select count(*)::int as orphans from nokkel.orphaned_keys()`)).toEqual({ orphans: 0 })
  })

  it('asking for a new key still, when somebody has left meanwhile', async () => {
    const pair = await merged()
    const { organization, theirs } = pair
    await run(sql`delete from public.company_member where user_id in (
      select m.user_id from public.company_member m join public.rfx_invitation i using (company_id) where i.rfx_id = ${theirs}::uuid)
      and organization_id = ${organization}::uuid`)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await isRekeyPending(database, theirs)).toBe(true)
  })

  it('ending sessions that came from a login that goes back', async () => {
    const pair = await merged()
    const { organization, survivor } = pair
    const [mine, others] = [
      await logIn(database, organization, survivor.id),
      await logIn(database, organization, survivor.id),
    ]
    await run(sql`update nokkel.session set identity_id = (
      select id from public.external_identity where user_id = ${survivor.id}::uuid and provider = 'bankid')
      where id = ${others.claims.sid}::uuid`)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await api.call(contract.getMe, mine.claims)).toMatchObject({ status: 200 })
    expect(await api.call(contract.getMe, others.claims)).toMatchObject({ status: 401, code: 'session_ended' })
  })
})

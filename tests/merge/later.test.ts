import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepContact } from '../../packages/server/src/auth/contact-store.ts'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { logIn } from '../../tools/testing/people.ts'
import { openGroup, rekey } from '../../tools/testing/rfx/keys.ts'
import { answerOf } from '../../tools/testing/rfx/person.ts'
import { isRekeyPending, readFaults, readWraps } from '../../tools/testing/rfx/rows.ts'
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

  /** What the two may in the organisation and its companies now. */
  const rights = async ({ organization, company, survivor, other }: Pair) => {
    const { rows } = await sql<{ who: string; place: string; role: string; developer: boolean | null }>`
      select who, place, role, developer from (
        select user_id, case organization_id when ${organization}::uuid then 'here' else 'elsewhere' end as place, role,
          is_developer as developer from public.organization_member
        union all
        select user_id, case company_id when ${company}::uuid then 'company' else 'other company' end, role, null
          from public.company_member
      ) r join (values (${survivor.id}::uuid, 'survivor'), (${other.id}::uuid, 'other')) w (id, who) on w.id = r.user_id
      order by who desc, place`.execute(database.owner)
    return rows.map(({ who, place, role, developer }) => `${who} ${place} ${role}${developer ? ' developer' : ''}`)
  }

  it('forgetting what a login has told since: nobody knows of whom', async () => {
    const pair = await merged()
    const { survivor, other } = pair
    await run(sql`update public.external_identity set last_login_at = now() where user_id = ${survivor.id}::uuid`)
    const dependencies = { database: database.server, keyring: api.keyring, logger: () => undefined }
    const told = { phoneNumber: '+4790000056', email: null, address: null }
    await keepContact(dependencies, survivor.id, async () => told)
    await run(sql`update public.user_identities set phone_index = sha256('phone of whom')
      where user_id = ${survivor.id}::uuid`)
    expect((await api.call(contract.listLogins, survivor.claims)).body.contact).toMatchObject(told)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    const { contact, logins } = (await api.call(contract.listLogins, survivor.claims)).body
    expect(contact).toBeNull()
    expect(logins).toHaveLength(1)
    expect(
      await one(sql`select phone_index, email_index, contact_index_key, personnummer_verified, bankid_verified
        from public.user_identities where user_id = ${survivor.id}::uuid`),
    ).toEqual({
      phone_index: null,
      email_index: null,
      contact_index_key: null,
      personnummer_verified: false,
      bankid_verified: false,
    })
    const again = await logIn(database, pair.organization, other.id)
    const others = (await api.call(contract.listLogins, again.claims)).body
    expect(others.contact).toMatchObject({ phoneNumber: '+4790000034' })
    expect(others.logins).toHaveLength(2)
  })

  it('forgetting what a login has told since of accounts of which nothing was known', async () => {
    const pair = await createPair(database, api)
    const { survivor } = pair
    await run(sql`delete from public.user_identities where user_id in (${survivor.id}::uuid, ${pair.other.id}::uuid)`)
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    await run(sql`insert into public.user_identities (user_id, personnummer_index, personnummer_index_key)
      values (${survivor.id}::uuid, sha256('a number told since'), 'index')`)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(
      await one(
        sql`select from public.user_identities where user_id in (${survivor.id}::uuid, ${pair.other.id}::uuid)`,
      ),
    ).toBeUndefined()
  })

  describe('taking from both what was taken from the person', () => {
    it.each<[string, (pair: Pair) => Promise<unknown>, string[]]>([
      [
        'nothing',
        async () => undefined,
        [
          'survivor company member',
          'survivor here member',
          'other company administrator',
          'other elsewhere coordinator',
          'other here coordinator developer',
          'other other company member',
        ],
      ],
      [
        'the membership of a company',
        ({ buyer, company, survivor }) =>
          answerOf(api, contract.removeCompanyMember, buyer, { params: { id: company, userId: survivor.id } }),
        [
          'survivor here member',
          'other elsewhere coordinator',
          'other here coordinator developer',
          'other other company member',
        ],
      ],
      [
        'the membership of the organisation',
        ({ organization, survivor }) =>
          run(sql`delete from public.organization_member
            where user_id = ${survivor.id}::uuid and organization_id = ${organization}::uuid`),
        ['other elsewhere coordinator'],
      ],
      [
        'roles and the duties of a developer',
        async ({ survivor }) => {
          await run(sql`update public.organization_member set role = 'member', is_developer = false
            where user_id = ${survivor.id}::uuid`)
          await run(sql`update public.company_member set role = 'member' where user_id = ${survivor.id}::uuid`)
        },
        [
          'survivor company member',
          'survivor here member',
          'other company member',
          'other elsewhere member',
          'other here member',
          'other other company member',
        ],
      ],
      [
        'the duties of a developer, while the role was raised',
        ({ organization, survivor }) =>
          run(sql`update public.organization_member set role = 'administrator', is_developer = false
            where user_id = ${survivor.id}::uuid and organization_id = ${organization}::uuid`),
        [
          'survivor company member',
          'survivor here administrator',
          'other company administrator',
          'other elsewhere coordinator',
          'other here coordinator',
          'other other company member',
        ],
      ],
    ])('%s', async (_, take, left) => {
      const pair = await merged()
      await take(pair)
      expect(await calls.undo(pair)).toMatchObject({ status: 200 })
      expect(await rights(pair)).toEqual(left)
      expect(await one(sql`select count(*)::int as orphans from nokkel.orphaned_keys()`)).toEqual({ orphans: 0 })
      if (left.includes('other company administrator')) return
      expect(await readFaults(database, pair.shared)).not.toContain('wrap_surplus')
    })

    it('the opening of bids, and a project', async () => {
      const pair = await createPair(database, api)
      const { organization, otherCompany, theirs, shared, survivor, other, buyer } = pair
      await run(sql`insert into public.company_member (company_id, organization_id, user_id)
        values (${otherCompany}::uuid, ${organization}::uuid, ${survivor.id}::uuid)`)
      await run(sql`insert into public.rfx_opener (rfx_id, user_id, named_by)
        values (${theirs}::uuid, ${survivor.id}::uuid, ${buyer.id}::uuid)`)
      expect(await calls.merge(pair)).toMatchObject({ status: 200 })
      await run(sql`delete from public.rfx_opener where rfx_id = ${theirs}::uuid and user_id = ${survivor.id}::uuid`)
      await answerOf(api, contract.excludeRfxMember, buyer, { params: { id: shared, userId: survivor.id } })
      expect(await calls.undo(pair)).toMatchObject({ status: 200 })
      const { rows } = await sql<{ id: string }>`
        select user_id as id from public.rfx_opener where rfx_id = ${theirs}::uuid`.execute(database.owner)
      expect(rows).toEqual([{ id: buyer.id }])
      const wraps = await readWraps(database, shared)
      const again = await logIn(database, organization, other.id)
      for (const { id, claims } of [survivor, again]) {
        expect(wraps).not.toContain(`user ${id}`)
        expect(await api.call(contract.getRfx, claims, { params: { id: shared } })).toMatchObject({ code: 'not_found' })
      }
    })
  })

  it('removing logins that came since, with their sessions', async () => {
    const pair = await merged()
    const { organization, survivor } = pair
    const came = (await one(sql<{
      id: string
    }>`insert into public.external_identity (provider, client_id, subject, user_id)
      values ('vipps', 'third-client', ${pair.other.id}, ${survivor.id}::uuid) returning id`)) as { id: string }
    const session = await logIn(database, organization, survivor.id)
    await run(sql`update nokkel.session set identity_id = ${came.id}::uuid where id = ${session.claims.sid}::uuid`)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await one(sql`select from public.external_identity where id = ${came.id}::uuid`)).toBeUndefined()
    expect((await api.call(contract.listLogins, survivor.claims)).body.logins).toHaveLength(1)
    expect(await api.call(contract.getMe, session.claims)).toMatchObject({ code: 'session_ended' })
    expect(
      await one(
        sql`select organization_id from nokkel.audit_log where action = 'login.unlink' and subject_id = ${came.id}`,
      ),
    ).toEqual({ organization_id: organization })
  })

  const othersState = async ({ other }: Pair) => ({
    session: (await api.call(contract.getMe, other.claims)).status,
    device: await one(sql`select state from public.device_key where user_id = ${other.id}::uuid`),
    key: await one(sql`select valid_until is null as valid from public.signing_key where user_id = ${other.id}::uuid`),
  })
  const alive = { session: 200, device: { state: 'active' }, key: { valid: true } }
  const ended = { session: 401, device: { state: 'revoked' }, key: { valid: false } }

  it.each<[string, (pair: Pair) => Promise<unknown>, object]>([
    ['nothing has ended', async () => undefined, alive],
    ['no session any more', ({ survivor }) => answerOf(api, contract.signOut, survivor), { ...alive, session: 401 }],
    [
      'no other session any more',
      ({ survivor }) => answerOf(api, contract.revokeOtherSessions, survivor),
      { ...alive, session: 401 },
    ],
    [
      'no device any more',
      ({ survivor }) => answerOf(api, contract.revokeDevice, survivor, { params: { id: survivor.deviceId } }),
      ended,
    ],
  ])('with sessions and devices as the person has left theirs: %s', async (_, end, left) => {
    const pair = await merged()
    await end(pair)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await othersState(pair)).toEqual(left)
  })

  it('without what was deleted meanwhile', async () => {
    const pair = await merged()
    const { company, elsewhere, shared, other, survivor } = pair
    await run(sql`delete from public.assignment where id in (
      select (j.before ->> 'assignment_id')::uuid from nokkel.account_merge_row j
      where j.table_name = 'public.assignment_recipient')`)
    await run(sql`delete from public.rfxs where id = ${shared}::uuid`)
    await run(sql`delete from public.rfxs where company_id = ${company}::uuid`)
    await run(sql`delete from public.company where id = ${company}::uuid`)
    await run(sql`delete from public.organization where id = ${elsewhere}::uuid`)
    await run(sql`delete from public.app_user where auth_user_id = ${pair.buyer.id}::uuid`)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await rights(pair)).toEqual([
      'survivor here member',
      'other here coordinator developer',
      'other other company member',
    ])
    expect(
      await one(sql`select count(*)::int as logins from public.external_identity
      where user_id in (${survivor.id}::uuid, ${other.id}::uuid)`),
    ).toEqual({ logins: 3 })
  })

  it('leaving a destroyed key destroyed, of which nothing is kept', async () => {
    const pair = await merged()
    const { survivor, other } = pair
    const { keys } = await answerOf(api, contract.listUserKeys, survivor)
    const { id } = keys.find(({ state }: { state: string }) => state === 'superseded')
    await run(sql`delete from public.rfx_key_members where key_id = ${id}::uuid`)
    await run(sql`delete from public.rfx_key_history where user_key_id = ${id}::uuid`)
    const { encryptedPrivateKey } = keys.find((key: { id: string }) => key.id === id)
    const images = () =>
      one(sql`select count(*)::int as images from nokkel.account_merge_row
        where table_name in ('public.user_key', 'public.app_user') and (before ->> 'user_id' = ${other.id}
          or before ->> 'auth_user_id' = ${other.id})`)
    expect(encryptedPrivateKey).toBeTruthy()
    expect(await images()).toEqual({ images: 2 })
    await answerOf(api, contract.destroyUserKey, survivor, { params: { id } })
    expect(await images()).toEqual({ images: 0 })
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(
      await one(sql`select k.state, k.encrypted_private_key, u.encrypted_private_key as mirror
        from public.user_key k, public.app_user u where k.id = ${id}::uuid and u.auth_user_id = ${other.id}::uuid`),
    ).toEqual({ state: 'destroyed', encrypted_private_key: null, mirror: null })
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

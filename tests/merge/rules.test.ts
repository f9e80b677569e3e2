import { randomUUID } from 'node:crypto'
import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rateClass } from '../../packages/server/src/http/rate-limit.ts'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { createEquipped, createOrganization, type Equipped } from '../../tools/testing/people.ts'
import { callsOf } from './testing/calls.ts'
import { dumpTables } from './testing/dump.ts'
import { createDuplicate, createPair, type Pair, type PairOptions } from './testing/pair.ts'

describe.each(databaseEngines)('who may merge what [%s]', (engine) => {
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

  const pairOf = (options?: PairOptions) => createPair(database, api, options)
  const run = (statement: ReturnType<typeof sql>) => statement.execute(database.owner)
  const lastAudit = async () => {
    const { rows } = await sql<{ action: string; problem: string | null }>`
      select action, problem from nokkel.audit_log order by id desc limit 1`.execute(database.owner)
    return rows[0]
  }

  describe('a pair that nothing changes', () => {
    let pair: Pair
    let strangers: Equipped
    beforeAll(async () => {
      pair = await pairOf()
      const elsewhere = await createOrganization(database)
      strangers = await createEquipped(database, elsewhere, { role: 'administrator' })
    })

    it('is shown to administrators, with the evidence masked', async () => {
      const { status, body } = await calls.list(pair)
      expect(status).toBe(200)
      expect(body.duplicates).toHaveLength(3)
      const found = body.duplicates.find(({ id }: { id: string }) => id === pair.duplicate)
      expect(found).toMatchObject({ evidence: 'personnummer', state: 'open', merge: null })
      const accountOf = (id: string) => found.accounts.find((account: { id: string }) => account.id === id)
      expect(accountOf(pair.other.id)).toMatchObject({
        name: 'Kari Nordmann',
        role: 'coordinator',
        logins: ['bankid', 'vipps'],
        bankidVerified: true,
        // Recognition was agreed to the other organisation.
        personnummerVerified: false,
        phoneNumber: '•••• ••34',
        email: 'k•••@person.example',
      })
      expect(accountOf(pair.survivor.id)).toMatchObject({
        role: 'member',
        logins: ['vipps'],
        bankidVerified: false,
        personnummerVerified: false,
        phoneNumber: null,
        email: null,
      })
      expect(JSON.stringify(body)).not.toMatch(/90000034|kari@|Storgata/)
    })

    it('is found page by page, and by what became of it', async () => {
      const seen: string[] = []
      for (let cursor: string | undefined = ''; cursor !== undefined; ) {
        const { body } = await calls.list(pair, { limit: '1', ...(cursor && { cursor }) })
        seen.push(...body.duplicates.map(({ id }: { id: string }) => id))
        cursor = body.nextCursor
      }
      expect(new Set(seen).size).toBe(3)
      expect(seen).toHaveLength(3)
      expect((await calls.list(pair, { state: 'merged' })).body.duplicates).toEqual([])
      expect(await calls.list(pair, { cursor: 'WyJ4IiwieSJd' })).toMatchObject({ code: 'request_malformed' })
    })

    it('is for administrators of its organisation alone', async () => {
      for (const by of [pair.buyer, pair.survivor, pair.other]) {
        expect(await calls.list(pair, {}, by)).toMatchObject({ status: 403, code: 'forbidden' })
        for (const act of [calls.preview, calls.undo, calls.dismiss])
          expect(await act(pair, by)).toMatchObject({ code: 'forbidden' })
        expect(await calls.merge(pair, by)).toMatchObject({ code: 'forbidden' })
      }
      expect(await lastAudit()).toEqual({ action: 'duplicate.merge', problem: 'forbidden' })
      expect((await calls.list(pair, {}, strangers)).body.duplicates).toEqual([])
      for (const act of [calls.preview, calls.undo, calls.dismiss])
        expect(await act(pair, strangers)).toMatchObject({ code: 'not_found' })
      expect(await calls.merge(pair, strangers)).toMatchObject({ status: 404, code: 'not_found' })
      const { status } = await api.call(contract.listDuplicates, undefined)
      expect(status).toBe(401)
    })

    it('is merged only as it was previewed, and into one of the two', async () => {
      const before = await dumpTables(database)
      expect(await calls.preview(pair, pair.administrator, pair.buyer.id)).toMatchObject({ code: 'request_malformed' })
      expect(await calls.merge(pair, pair.administrator, 'A'.repeat(43))).toMatchObject({ code: 'merge_changed' })
      expect(await calls.undo(pair)).toMatchObject({ code: 'merge_not_undoable' })
      const digests = [
        (await calls.preview(pair)).body.digest,
        (await calls.preview(pair, pair.administrator, pair.other.id)).body.digest,
      ]
      expect(await calls.merge(pair, pair.administrator, digests[1])).toMatchObject({ code: 'merge_changed' })
      expect((await calls.preview(pair)).body.digest).toBe(digests[0])
      expect(await dumpTables(database)).toEqual(before)
    })
  })

  it('is shown with what was agreed to its organisation, and with nothing that another one was told', async () => {
    const pair = await pairOf()
    const shown = async () => {
      const { duplicates } = (await calls.list(pair)).body
      const { accounts } = duplicates.find(({ id }: { id: string }) => id === pair.duplicate)
      const { phoneNumber, email, personnummerVerified } = accounts.find(
        ({ id }: { id: string }) => id === pair.other.id,
      )
      return { phoneNumber, email, personnummerVerified }
    }
    const change = (set: ReturnType<typeof sql>, purpose: string) =>
      run(sql`update public.consent set ${set}
        where user_id = ${pair.other.id}::uuid and organization_id = ${pair.organization}::uuid and purpose = ${purpose}`)
    await run(sql`insert into public.consent (user_id, organization_id, purpose, shares, legal_basis, text_version)
      values (${pair.other.id}::uuid, ${pair.organization}::uuid, 'recognition', '{personnummer}', 'gdpr-6-1-a', 'v2')`)
    const email = 'k•••@person.example'
    expect(await shown()).toEqual({ phoneNumber: '•••• ••34', email, personnummerVerified: true })
    await change(sql`shares = '{email}'`, 'contact')
    expect(await shown()).toEqual({ phoneNumber: null, email, personnummerVerified: true })
    await change(sql`replaced_at = now()`, 'contact')
    await change(sql`withdrawn_at = now()`, 'recognition')
    expect(await shown()).toEqual({ phoneNumber: null, email: null, personnummerVerified: false })
    // The other organisation has a yes to all of it still.
    const { contact } = (await api.call(contract.listLogins, pair.other.claims)).body
    expect(contact).toMatchObject({ phoneNumber: '+4790000034' })
  })

  it.each<[string, (pair: Pair) => ReturnType<typeof sql>]>([
    [
      'a login',
      ({ other }) => sql`insert into public.external_identity (provider, client_id, subject, user_id)
      values ('vipps', 'third', ${other.id}, ${other.id}::uuid)`,
    ],
    [
      'a role',
      ({ other }) =>
        sql`update public.organization_member set role = 'administrator' where user_id = ${other.id}::uuid`,
    ],
    [
      'a wrap',
      ({ other, theirs }) => sql`delete from public.rfx_key_members
      where user_id = ${other.id}::uuid and rfx_id = ${theirs}::uuid`,
    ],
    [
      'a company',
      ({ other, otherCompany }) => sql`update public.company_member set role = 'administrator'
      where user_id = ${other.id}::uuid and company_id = ${otherCompany}::uuid`,
    ],
    [
      'a session',
      ({ other }) => sql`update nokkel.session set ended_at = now(), ended_reason = 'signed_out'
      where user_id = ${other.id}::uuid`,
    ],
  ])('is not what was previewed when %s has changed', async (_, change) => {
    const pair = await pairOf()
    const { digest } = (await calls.preview(pair)).body
    await run(change(pair))
    expect(await calls.merge(pair, pair.administrator, digest)).toMatchObject({ status: 409, code: 'merge_changed' })
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
  })

  it('is what was previewed when somebody has only used their account', async () => {
    const pair = await pairOf()
    const { digest } = (await calls.preview(pair)).body
    await run(sql`update nokkel.session set last_used_at = now() where user_id = ${pair.other.id}::uuid`)
    await run(sql`update public.external_identity set last_login_at = now() where user_id = ${pair.other.id}::uuid`)
    expect(await calls.merge(pair, pair.administrator, digest)).toMatchObject({ status: 200 })
  })

  it('is settled once', async () => {
    const pair = await pairOf()
    expect(await calls.merge(pair)).toMatchObject({ status: 200, body: { state: 'merged' } })
    expect(await lastAudit()).toEqual({ action: 'duplicate.merge', problem: null })
    expect(await calls.merge(pair, pair.administrator, 'A'.repeat(43))).toMatchObject({ code: 'duplicate_settled' })
    expect(await calls.preview(pair)).toMatchObject({ code: 'duplicate_settled' })
    expect(await calls.dismiss(pair)).toMatchObject({ code: 'duplicate_settled' })
    // The other evidence of the same pair is settled with it.
    expect((await calls.list(pair, { state: 'merged' })).body.duplicates).toHaveLength(2)
    // And what was found of the former account is of the person.
    const [third] = (await calls.list(pair)).body.duplicates
    expect(third.accounts.map(({ id }: { id: string }) => id).sort()).toEqual([pair.survivor.id, pair.buyer.id].sort())

    const dismissed = await pairOf()
    expect(await calls.dismiss(dismissed)).toMatchObject({ status: 200, body: { state: 'dismissed', merge: null } })
    expect(await lastAudit()).toEqual({ action: 'duplicate.dismiss', problem: null })
    expect(await calls.merge(dismissed, dismissed.administrator, 'A'.repeat(43))).toMatchObject({
      code: 'duplicate_settled',
    })
    expect(await calls.undo(dismissed)).toMatchObject({ status: 200, body: { state: 'open', merge: null } })
    expect(await lastAudit()).toEqual({ action: 'duplicate.undo', problem: null })
    expect(await calls.merge(dismissed)).toMatchObject({ status: 200 })
  })

  it('is not opened again when one of the two has been merged', async () => {
    const pair = await pairOf()
    const third = await createDuplicate(database, pair.organization, pair.other.id, pair.survivor.id, 'phone_and_email')
    expect(await calls.dismiss({ ...pair, duplicate: third })).toMatchObject({ status: 200 })
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    expect(await calls.undo({ ...pair, duplicate: third })).toMatchObject({ status: 409, code: 'merge_not_undoable' })
  })

  it('never joins two people with different BankIDs', async () => {
    const pair = await pairOf()
    await run(sql`insert into public.external_identity (provider, client_id, subject, user_id)
      values ('bankid', '*', ${randomUUID()}, ${pair.survivor.id}::uuid)`)
    expect(await calls.preview(pair)).toMatchObject({ status: 409, code: 'merge_different_people' })
  })

  it('is done and undone only with a login of the last five minutes', async () => {
    const pair = await pairOf()
    const { administrator } = pair
    const { digest } = (await calls.preview(pair)).body
    const age = (text: string) =>
      run(sql`update nokkel.session set authenticated_at = now() - ${text}::interval
        where id = ${administrator.claims.sid}::uuid`)
    await age('5 minutes 1 second')
    expect(await calls.preview(pair)).toMatchObject({ status: 200 })
    expect(await calls.merge(pair, administrator, digest)).toMatchObject({ status: 403, code: 'login_too_old' })
    expect(await lastAudit()).toEqual({ action: 'duplicate.merge', problem: 'login_too_old' })
    await age('4 minutes 30 seconds')
    expect(await calls.merge(pair, administrator, digest)).toMatchObject({ status: 200 })
    await age('5 minutes 1 second')
    expect(await calls.undo(pair)).toMatchObject({ status: 403, code: 'login_too_old' })
    await age('4 minutes 30 seconds')
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
  })

  it('is recorded wherever one of the two is a member', async () => {
    const pair = await pairOf()
    const { organization, elsewhere } = pair
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    const { rows } = await sql<{ action: string; organizations: string[] }>`
      select action, array_agg(organization_id order by organization_id) as organizations from nokkel.audit_log
      where action in ('duplicate.merge', 'duplicate.undo') and problem is null and subject_id like ${`${pair.duplicate}%`}
      group by 1 order by 1`.execute(database.owner)
    const organizations = [organization, elsewhere].sort()
    expect(rows).toEqual([
      { action: 'duplicate.merge', organizations },
      { action: 'duplicate.undo', organizations },
    ])
  })

  it('shows little of who is in other organisations alone', async () => {
    const pair = await pairOf()
    await run(sql`delete from public.organization_member
      where user_id = ${pair.other.id}::uuid and organization_id = ${pair.organization}::uuid`)
    const { duplicates } = (await calls.list(pair)).body
    const { accounts } = duplicates.find(({ id }: { id: string }) => id === pair.duplicate)
    expect(accounts.find(({ id }: { id: string }) => id === pair.other.id)).toMatchObject({
      name: 'K. N.',
      role: null,
      lastLoginAt: null,
      phoneNumber: null,
      email: null,
    })
  })

  it('is counted as writing when it is previewed', () => {
    expect(rateClass(contract.previewMerge)).toBe('write')
    expect(rateClass(contract.listDuplicates)).toBe('read')
  })

  it('is deleted with the account that was kept', async () => {
    const pair = await pairOf()
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    await run(sql`delete from public.app_user where auth_user_id = ${pair.survivor.id}::uuid`)
    const { rows } = await sql`select from public.app_user
      where auth_user_id in (${pair.survivor.id}::uuid, ${pair.other.id}::uuid)`.execute(database.owner)
    expect(rows).toEqual([])
  })

  it('never joins two people with different numbers', async () => {
    const pair = await pairOf()
    await run(sql`update public.user_identities set personnummer_index = sha256('another'), personnummer_index_key = 'index'
      where user_id = ${pair.survivor.id}::uuid`)
    expect(await calls.preview(pair)).toMatchObject({ status: 409, code: 'merge_different_people' })
    expect(await calls.merge(pair, pair.administrator, 'A'.repeat(43))).toMatchObject({
      code: 'merge_different_people',
    })
  })

  it('is never of one’s own account, whatever the evidence', async () => {
    const { administrator, survivor, organization } = await pairOf()
    for (const evidence of ['personnummer', 'both_logins', 'phone_and_email'] as const) {
      const own = await createDuplicate(database, organization, administrator.id, survivor.id, evidence)
      const call = { params: { id: own }, query: { survivor: survivor.id } }
      const refused = { status: 403, code: 'merge_not_allowed' }
      expect(await api.call(contract.previewMerge, administrator.claims, call)).toMatchObject(refused)
      expect(
        await api.call(contract.mergeAccounts, administrator.claims, {
          params: { id: own },
          body: { survivor: survivor.id, digest: 'A'.repeat(43) },
        }),
      ).toMatchObject(refused)
      expect(await api.call(contract.dismissDuplicate, administrator.claims, { params: { id: own } })).toMatchObject(
        refused,
      )
    }
  })

  it('does not suffice as two logins for an organisation that asks for more', async () => {
    const pair = await pairOf({ evidence: 'personnummer' })
    const { body } = await calls.list(pair)
    const found = body.duplicates.find(({ evidence }: { evidence: string }) => evidence === 'both_logins')
    const both = { ...pair, duplicate: found.id }
    await run(sql`update nokkel.session set assurance = 'high' where id = ${pair.administrator.claims.sid}::uuid`)
    await run(sql`update public.organization set minimum_assurance = 'high' where id = ${pair.organization}::uuid`)
    expect(await calls.preview(both)).toMatchObject({ status: 200 })
    await run(sql`update public.organization set minimum_assurance = 'substantial' where id = ${pair.elsewhere}::uuid`)
    expect(await calls.preview(both)).toMatchObject({ status: 403, code: 'merge_not_allowed' })
    expect(await calls.preview(pair)).toMatchObject({ status: 200 })
  })

  it('suffices as weak evidence only within the organisation', async () => {
    const pair = await pairOf({ evidence: 'phone_and_email' })
    expect(await calls.preview(pair)).toMatchObject({ status: 403, code: 'merge_not_allowed' })
    expect(await calls.merge(pair, pair.administrator, 'A'.repeat(43))).toMatchObject({ code: 'merge_not_allowed' })
    await run(sql`delete from public.organization_member
      where user_id = ${pair.other.id}::uuid and organization_id = ${pair.elsewhere}::uuid`)
    expect(await calls.preview(pair)).toMatchObject({ status: 200 })
  })

  it('waits for a key of other software to be adopted', async () => {
    const pair = await pairOf()
    await run(
      sql`update public.app_user set encrypted_private_key = 'of other software' where auth_user_id = ${pair.other.id}::uuid`,
    )
    expect(await calls.preview(pair)).toMatchObject({ status: 409, code: 'key_not_adopted' })
  })

  it('does not leave bids with one person alone', async () => {
    const pair = await pairOf()
    await run(sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${pair.otherCompany}::uuid, ${pair.organization}::uuid, ${pair.survivor.id}::uuid)`)
    await run(sql`insert into public.rfx_opener (rfx_id, user_id, named_by)
      values (${pair.theirs}::uuid, ${pair.survivor.id}::uuid, ${pair.buyer.id}::uuid)`)
    await run(sql`delete from public.rfx_key_companies w using public.rfxs r
      where r.id = w.rfx_id and r.parent_id = ${pair.theirs}::uuid and r.kind = 'opening'`)
    await run(sql`delete from public.rfx_key_members w using public.rfxs r
      where r.id = w.rfx_id and r.parent_id = ${pair.theirs}::uuid and w.user_id = ${pair.buyer.id}::uuid`)
    expect(await calls.preview(pair)).toMatchObject({ status: 409, code: 'openers_missing' })
  })

  it('takes a person out of what either account was kept out of', async () => {
    const pair = await pairOf()
    expect(await wrapsOf(pair.closedTo)).toContain(pair.survivor.id)
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    expect(await wrapsOf(pair.closedTo)).not.toContain(pair.survivor.id)
    expect(await api.call(contract.getRfx, pair.survivor.claims, { params: { id: pair.closedTo } })).toMatchObject({
      code: 'not_found',
    })
  })

  async function wrapsOf(rfx: string): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      select user_id as id from public.rfx_key_members where rfx_id = ${rfx}::uuid`.execute(database.owner)
    return rows.map(({ id }) => id)
  }

  it('leaves the former account empty, and the kept one with what both had', async () => {
    const pair = await pairOf()
    const { survivor, other } = pair
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    const { rows } = await sql<Record<string, unknown>>`
      select
        (select count(*)::int from public.external_identity where user_id = ${survivor.id}::uuid) as logins,
        (select role from public.organization_member where user_id = ${survivor.id}::uuid
          and organization_id = ${pair.organization}::uuid) as role,
        (select is_developer from public.organization_member where user_id = ${survivor.id}::uuid
          and organization_id = ${pair.organization}::uuid) as developer,
        (select role from public.company_member where user_id = ${survivor.id}::uuid
          and company_id = ${pair.company}::uuid) as administrator,
        (select array_agg(state order by state) from public.user_key where user_id = ${survivor.id}::uuid) as keys,
        (select count(*)::int from public.external_identity where user_id = ${other.id}::uuid)
          + (select count(*)::int from public.organization_member where user_id = ${other.id}::uuid)
          + (select count(*)::int from public.user_key where user_id = ${other.id}::uuid)
          + (select count(*)::int from public.rfx_key_members where user_id = ${other.id}::uuid)
          + (select count(*)::int from public.assignment_recipient where user_id = ${other.id}::uuid)
          + (select count(*)::int from nokkel.session where user_id = ${other.id}::uuid and ended_at is null)
          + (select count(*)::int from public.device_key where user_id = ${other.id}::uuid and state = 'active') as left_behind,
        (select count(*)::int from nokkel.orphaned_keys() where subject_type <> 'app_user') as orphans`.execute(
      database.owner,
    )
    expect(rows[0]).toEqual({
      logins: 3,
      role: 'coordinator',
      developer: true,
      administrator: 'administrator',
      keys: ['active', 'superseded'],
      left_behind: 0,
      orphans: 0,
    })
    expect((await api.call(contract.getMe, survivor.claims)).body).toMatchObject({
      formerIds: [other.id],
      personnummerVerified: true,
    })
    // Their managed keys open for them, whichever account they were made for.
    const { keys } = (await api.call(contract.listUserKeys, survivor.claims)).body
    for (const { encryptedPrivateKey } of keys) {
      const { data, iv } = encryptedPrivateKey
      const body = { action: 'decrypt', data, iv }
      expect(await api.call(contract.cryptoService, survivor.claims, { body })).toMatchObject({ status: 200 })
    }
    // What was signed for the former account is no fault of the project, which waits for its next version.
    const { faults } = (await api.call(contract.checkRfx, pair.buyer.claims, { params: { id: pair.theirs } })).body
    expect(new Set(faults.map(({ problem }: contract.RfxFault) => problem))).toEqual(new Set(['rekey_pending']))
    const received = (await api.call(contract.listAssignments, survivor.claims, { query: { box: 'inbox' } })).body
    expect(received.assignments.map(({ id }: { id: string }) => id)).toContain(pair.received)
    const { contact } = (await api.call(contract.listLogins, survivor.claims)).body
    expect(contact).toMatchObject({ phoneNumber: '+4790000034', email: 'kari@person.example' })
    expect(await api.call(contract.getMe, other.claims)).toMatchObject({ status: 401, code: 'account_merged' })
  })

  it('refuses a session, a login and a membership for an account that was merged', async () => {
    const pair = await createPair(database, api)
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    const { organization, other } = pair
    for (const statement of [
      sql`insert into nokkel.session (user_id, organization_id, provider, thumbprint, device_name, expires_at)
        values (${other.id}::uuid, ${organization}::uuid, 'bankid', 't', 'Prøve', now() + interval '1 hour')`,
      sql`insert into public.external_identity (provider, client_id, subject, user_id)
        values ('bankid', '*', ${randomUUID()}, ${other.id}::uuid)`,
      sql`insert into public.organization_member (organization_id, user_id)
        values (${organization}::uuid, ${other.id}::uuid)`,
    ]) {
      await expect(statement.execute(database.owner)).rejects.toMatchObject({ code: 'NK001', message: 'conflict' })
    }
  })
})

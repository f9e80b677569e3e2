import * as contract from '@nokkel/contract'
import { generateRfxKey } from '@nokkel/crypto'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createCompanyOf, readOrphans } from '../../../../tools/testing/managed-keys.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { distribute, openGroup, rekey, signWraps, targetOf } from '../../../../tools/testing/rfx/keys.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import { createGroup, createProject, makeProject } from '../../../../tools/testing/rfx/projects.ts'
import { isRekeyPending, readFaults, readWraps } from '../../../../tools/testing/rfx/rows.ts'

describe.each(databaseEngines)('projects at the same time [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: RfxCast
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    cast = await createRfxCast(database, api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const ask = (operation: contract.Operation, { claims }: RfxPerson, params: Record<string, string>) =>
    api.call(operation, claims, { params })

  /** Somebody of the organisation with a key, whom a test may take away and bring back. */
  const newcomer = () => createRfxPerson(database, api, cast.organization)
  const join = ({ id }: RfxPerson, company: string) =>
    sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${company}::uuid, ${cast.organization}::uuid, ${id}::uuid) on conflict do nothing`.execute(database.owner)
  const takeAway = (...people: readonly RfxPerson[]) =>
    sql`delete from public.company_member where user_id = any (${people.map(({ id }) => id)}::uuid[])`.execute(
      database.owner,
    )

  /** What the next revision of a group needs that wraps its key to one more person. */
  async function wrapsFor(person: RfxPerson, id: string, recipient: RfxPerson, role: 'buyer' | 'supplier' = 'buyer') {
    const { group, key } = await openGroup(api, person, id)
    const { rows } = await sql<{ digest: Uint8Array }>`select digest from public.rfx_manifest
      where rfx_id = ${id}::uuid and version = ${group.version}::integer order by revision desc limit 1`.execute(
      database.owner,
    )
    const { kind, version } = group
    const of = { organizationId: cast.organization, groupId: id, kind, version, key }
    const place = { revision: group.manifest.length + 1, previous: new Uint8Array(rows[0]?.digest ?? []) }
    const { statement, wraps } = await signWraps(person, of, place, [await targetOf(api, recipient, role)])
    return { statement, wraps }
  }
  const add = ({ claims }: RfxPerson, id: string, body: unknown) =>
    api.call(contract.addRfxWraps, claims, { params: { id }, body })

  /** Runs `first` in a transaction that stays open until `second` waits for it, or has not had to. */
  async function overlap<T>(first: RawBuilder<unknown>, second: () => Promise<T>): Promise<T> {
    let running: Promise<T> | undefined
    await database.owner.transaction().execute(async (transaction) => {
      await first.execute(transaction)
      let isDone = false
      running = second().finally(() => {
        isDone = true
      })
      while (!isDone && !(await somebodyWaits())) await new Promise((resolve) => setTimeout(resolve, 5))
    })
    return running as Promise<T>
  }
  async function somebodyWaits(): Promise<boolean> {
    const { rows } = await sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(database.owner)
    return rows.length > 0
  }

  it('two reviewers approve once', async () => {
    const { developer, reviewer } = cast
    for (let round = 0; round < 3; round++) {
      const id = await createProjectOf(api, cast, { until: 'in_review' })
      const approve = ({ claims }: RfxPerson) =>
        api.call(contract.changeRfxStatus, claims, { params: { id }, body: { status: 'approved' } })
      const answers = await Promise.all([approve(developer), approve(reviewer)])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const { rows } = await sql<{ action: string }>`select action from nokkel.audit_log
        where action = 'rfx.approved' and subject_id = ${id}`.execute(database.owner)
      expect(rows).toHaveLength(1)
    }
  })

  it('two who hand out the key take turns', async () => {
    const { buyer, colleague, company } = cast
    const [one, two] = [await newcomer(), await newcomer()]
    for (let round = 0; round < 3; round++) {
      const id = await createProjectOf(api, cast, { until: 'draft' })
      for (const person of [one, two]) await join(person, company)
      const bodies = [await wrapsFor(buyer, id, one), await wrapsFor(colleague, id, two)]
      const answers = await Promise.all([add(buyer, id, bodies[0]), add(colleague, id, bodies[1])])
      expect(answers.map(({ code }) => code ?? 'stored').sort()).toEqual(['manifest_stale', 'stored'])
      expect(await distribute(api, buyer, id)).toBe(1)
      expect(await readFaults(database, id)).toEqual([])
      await takeAway(one, two)
    }
  })

  // PGlite has one connection, so nothing can begin in between there.
  if (engine === 'postgres') {
    it('whoever is leaving when the key is handed to them does not get it', async () => {
      const { buyer, company } = cast
      const gone = await newcomer()
      await join(gone, company)
      const id = await createProject(api, buyer, company)
      const body = await wrapsFor(buyer, id, gone)
      const leaving = sql`delete from public.company_member where user_id = ${gone.id}::uuid`
      const answer = await overlap(leaving, () => add(buyer, id, body))
      expect(answer).toMatchObject({ status: 409, code: 'recipients_changed', data: { ownerIds: [gone.id] } })
      expect(await readWraps(database, id)).toEqual([`user ${buyer.id}`])
      expect(await isRekeyPending(database, id)).toBe(false)
    })

    it('whoever leaves when the key is being handed to them does not keep it', async () => {
      const { buyer, company } = cast
      const gone = await newcomer()
      for (const leave of [
        () => ask(contract.removeCompanyMember, gone, { id: company, userId: gone.id }),
        (id: string) => ask(contract.excludeRfxMember, buyer, { id, userId: gone.id }),
      ]) {
        await join(gone, company)
        const id = await createProject(api, buyer, company)
        const { wraps } = await wrapsFor(buyer, id, gone)
        // Holds what handing it out holds, and has stored the wrap.
        const handing = sql`with held as (select id from public.rfxs where id = ${id}::uuid for no key update)
          insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id)
          select id, ${gone.id}::uuid, ${wraps[0]?.encryptedSymmetricKey}, ${wraps[0]?.keyId}::uuid from held`
        expect(await overlap(handing, () => leave(id))).toMatchObject({ status: 204 })
        expect(await readWraps(database, id)).toEqual([`user ${buyer.id}`])
        expect(await isRekeyPending(database, id)).toBe(true)
        await takeAway(gone)
      }
    })

    it('a version that is being marked as compromised gets no more wraps', async () => {
      const { buyer, company } = cast
      const [owner, other] = [await newcomer(), await newcomer()]
      for (const person of [owner, other]) await join(person, company)
      const id = await createProject(api, buyer, company)
      await add(buyer, id, await wrapsFor(buyer, id, owner))
      const body = await wrapsFor(buyer, id, other)
      const marking = sql`update public.rfx_key_version set compromised_at = now() where rfx_id = ${id}::uuid`
      expect(await overlap(marking, () => add(buyer, id, body))).toMatchObject({ code: 'rekey_pending' })
      await takeAway(owner, other)
    })
  }

  it('whoever leaves while keys are handed out, in any order, does not keep them', async () => {
    const { buyer, administrator, company, rivalCompany } = cast
    const [colleague, later, reviewer, supplier] = [
      await newcomer(),
      await newcomer(),
      await newcomer(),
      await newcomer(),
    ]
    for (let round = 0; round < 4; round++) {
      for (const person of [colleague, later]) await join(person, company)
      await join(supplier, rivalCompany)
      await ask(contract.nameDeveloper, administrator, { userId: reviewer.id })
      const id = await createProject(api, buyer, company)
      await ask(contract.inviteSupplier, buyer, { id, companyId: rivalCompany })
      const work: (() => Promise<unknown>)[] = [
        () => distribute(api, buyer, id).catch(() => undefined),
        () => ask(contract.removeCompanyMember, colleague, { id: company, userId: colleague.id }),
        () => ask(contract.dismissDeveloper, administrator, { userId: reviewer.id }),
        () => ask(contract.removeCompanyMember, supplier, { id: rivalCompany, userId: supplier.id }),
        () => api.call(contract.changeRfxStatus, buyer.claims, { params: { id }, body: { status: 'in_review' } }),
        () => ask(contract.excludeRfxMember, buyer, { id, userId: later.id }),
      ]
      await Promise.all((round % 2 ? work : work.toReversed()).map((run) => run()))
      if (await isRekeyPending(database, id)) await rekey(api, buyer, id)
      await distribute(api, buyer, id)
      expect(await readFaults(database, id)).toEqual([])
      for (const gone of [colleague, reviewer, supplier, later]) {
        expect(await readWraps(database, id)).not.toContain(`user ${gone.id}`)
      }
    }
    await takeAway(later)
  })

  it('nobody who leaves a company is in what is made for it at that moment', async () => {
    const { buyer, organization } = cast
    const [member, leaving] = [await newcomer(), await newcomer()]
    const company = await createCompanyOf(database, organization, { [member.id]: 'administrator' })
    const leave = () => ask(contract.removeCompanyMember, leaving, { id: company, userId: leaving.id })
    for (let round = 0; round < 4; round++) {
      await join(leaving, company)
      // A project of theirs, with the key for both.
      const body = await makeProject(api, member, company)
      const of = { organizationId: organization, groupId: body.id, kind: 'project' as const, version: 1 }
      const targets = [await targetOf(api, member, 'buyer'), await targetOf(api, leaving, 'buyer')]
      const place = { revision: 1, previous: null }
      const { statement, wraps } = await signWraps(member, { ...of, key: generateRfxKey() }, place, targets)
      const create = () =>
        api.call(contract.createRfx, member.claims, { body: { ...body, manifest: { statement, wraps } } })
      const answers = await Promise.all(round % 2 ? [create(), leave()] : [leave(), create()])
      const created = answers[round % 2 ? 0 : 1]
      expect([undefined, 'recipients_changed', 'statement_invalid']).toContain(created?.code)
      expect(await readFaults(database, body.id)).not.toContain('wrap_surplus')
      const { rows } = await sql`
        select from public.rfx_key_members where user_id = ${leaving.id}::uuid`.execute(database.owner)
      expect(rows).toEqual([])

      // And a group that bids.
      await join(leaving, company)
      const id = await createProjectOf(api, cast, { suppliers: [company] })
      const [group] = await Promise.all([createGroup(api, member, id, 'bidder', company), leave()])
      if (await isRekeyPending(database, group)) await rekey(api, member, group)
      if (await isRekeyPending(database, id)) await rekey(api, buyer, id)
      expect(await readFaults(database, id)).toEqual([])
    }
  })

  it('a key is marked as compromised while it, or another, is wrapped to: nobody waits for ever', async () => {
    const { buyer, company } = cast
    for (let round = 0; round < 4; round++) {
      const [owner, recipient] = [await newcomer(), await newcomer()]
      for (const person of [owner, recipient]) await join(person, company)
      const projects = [await createProject(api, buyer, company), await createProject(api, buyer, company)]
      for (const id of projects) expect((await add(buyer, id, await wrapsFor(buyer, id, owner))).status).toBe(200)
      const bodies = await Promise.all(projects.map((id) => wrapsFor(buyer, id, recipient)))
      const revoke = async (person: RfxPerson) => {
        const { key } = await targetOf(api, person, 'buyer')
        return ask(contract.revokeUserKey, person, { id: key.id })
      }
      const renew = (id: string) =>
        rekey(api, buyer, id).then(
          () => ({ status: 200 }),
          () => ({ status: 409 }),
        )
      const work: (() => Promise<{ status: number }>)[] = [
        ...projects.map((id, index) => () => add(buyer, id, bodies[index])),
        () => revoke(owner),
        () => revoke(recipient),
        ...projects.map((id) => () => renew(id)),
      ]
      const answers = await Promise.all((round % 2 ? work : work.toReversed()).map((run) => run()))
      for (const { status } of answers) expect([200, 409]).toContain(status)
      for (const id of projects) {
        if (await isRekeyPending(database, id)) await rekey(api, buyer, id)
        for (const person of [owner, recipient]) {
          expect(await readWraps(database, id)).not.toContain(`user ${person.id}`)
        }
        expect((await readFaults(database, id)).filter((problem) => problem !== 'wrap_missing')).toEqual([])
      }
      await takeAway(owner, recipient)
    }
    expect(await readOrphans(database)).toEqual([])
  })

  it('two next versions put in force at once are one', async () => {
    const { buyer, developer } = cast
    for (let round = 0; round < 3; round++) {
      const id = await createProjectOf(api, cast)
      const outcomes = await Promise.allSettled([rekey(api, buyer, id), rekey(api, developer, id)])
      expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
      expect(await readFaults(database, id)).toEqual([])
      const { group } = await openGroup(api, cast.supplier, id)
      expect([2, 3]).toContain(group.version)
    }
  })
})

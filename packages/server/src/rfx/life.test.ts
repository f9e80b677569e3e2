import * as contract from '@nokkel/contract'
import { encodeRfxTitle } from '@nokkel/crypto'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createCompanyOf, readAudit } from '../../../../tools/testing/managed-keys.ts'
import { logIn, refusalOf } from '../../../../tools/testing/people.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { writeEntry } from '../../../../tools/testing/rfx/content.ts'
import { distribute } from '../../../../tools/testing/rfx/keys.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import {
  createGroup,
  createProject,
  inOneHour,
  makeProject,
  passDeadline,
} from '../../../../tools/testing/rfx/projects.ts'
import type { Transaction } from '../db/database.ts'
import { withClaims } from '../db/with-claims.ts'
import { updateParty } from './parties.ts'
import { deleteRfx, updateDeadline, updateStatus } from './store.ts'

const stages = ['draft', 'in_review', 'approved', 'deadline passed', 'closed'] as const
const roles = [
  'buyer',
  'colleague',
  'developer',
  'supplier',
  'excluded',
  'former',
  'outsider',
  'stranger',
  'ended',
] as const
type Role = (typeof roles)[number]
type Cells = readonly [string | null, string | null, string | null, string | null, string | null]

const ok = null
const always = (code: string | null): Cells => [code, code, code, code, code]
const nobody = always('not_found')
const ofDeveloper = (approve: Cells = ['not_found', 'forbidden', 'forbidden', 'forbidden', 'forbidden']) => approve
const ofSupplier: Cells = ['not_found', 'not_found', 'forbidden', 'forbidden', 'forbidden']
const others = { excluded: nobody, former: nobody, outsider: nobody, stranger: nobody, ended: always('session_ended') }
const byBuyers = (cells: Cells, ofColleague: Cells = cells): Record<Role, Cells> => ({
  buyer: cells,
  colleague: ofColleague,
  developer: ofDeveloper(),
  supplier: ofSupplier,
  ...others,
})

/** What each is answered at each stage; everybody else in the table is nobody. */
const expected: Record<string, Record<Role, Cells>> = {
  send: byBuyers([ok, ok, 'rfx_status', 'rfx_status', 'rfx_status']),
  approve: {
    ...byBuyers(always('forbidden')),
    developer: ['not_found', ok, ok, ok, 'rfx_status'],
  },
  close: byBuyers(['rfx_status', 'rfx_status', 'deadline_not_passed', ok, ok]),
  'extend the deadline': byBuyers(
    [ok, ok, ok, 'deadline_passed', 'rfx_status'],
    [ok, ok, 'forbidden', 'forbidden', 'rfx_status'],
  ),
  'shorten the deadline': byBuyers(
    [ok, ok, 'deadline_shortened', 'deadline_passed', 'rfx_status'],
    [ok, ok, 'forbidden', 'forbidden', 'rfx_status'],
  ),
  'remove the deadline': byBuyers(
    [ok, ok, 'deadline_shortened', 'deadline_passed', 'rfx_status'],
    [ok, ok, 'forbidden', 'forbidden', 'rfx_status'],
  ),
  'set a deadline that has passed': byBuyers(
    ['deadline_passed', 'deadline_passed', 'deadline_passed', 'deadline_passed', 'rfx_status'],
    ['deadline_passed', 'deadline_passed', 'forbidden', 'forbidden', 'rfx_status'],
  ),
  'set a deadline in three years': byBuyers(always('request_malformed')),
  invite: byBuyers([ok, ok, ok, ok, 'rfx_status']),
  withdraw: byBuyers([ok, ok, ok, 'deadline_passed', 'rfx_status']),
  exclude: byBuyers(always(ok)),
  'exclude an opener': byBuyers(always(ok), always('forbidden')),
  readmit: byBuyers(always(ok)),
  'name an opener': byBuyers(always(ok), always('forbidden')),
  'dismiss an opener': byBuyers(always(ok), always('forbidden')),
  delete: byBuyers([ok, 'rfx_status', 'rfx_status', 'rfx_status', 'rfx_status']),
}

describe.each(databaseEngines)('the life of projects [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let cast: RfxCast
  let people: Record<Role, RfxPerson>
  let opener: RfxPerson
  const projects = new Map<string, string>()
  const requestId = crypto.randomUUID()

  const change = (id: string, person: RfxPerson, status: string) =>
    api.call(contract.changeRfxStatus, person.claims, { params: { id }, body: { status } })
  const setDeadline = (id: string, person: RfxPerson, deadline: string | null) =>
    api.call(contract.setRfxDeadline, person.claims, { params: { id }, body: { deadline } })
  const auditOf = async (subject: string) =>
    (await readAudit(database))
      .filter((row) => row.subject?.startsWith(subject))
      .map(({ action, outcome, problem }) => `${action} ${problem ?? outcome}`)

  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    cast = await createRfxCast(database, api)
    const { buyer, colleague, developer, supplier, outsider, stranger, organization, company } = cast
    const [excluded, former, second] = [
      await createRfxPerson(database, api, organization),
      await createRfxPerson(database, api, organization),
      await createRfxPerson(database, api, organization),
    ]
    opener = second
    for (const { id } of [excluded, former, second]) {
      await sql`insert into public.company_member (company_id, organization_id, user_id)
        values (${company}::uuid, ${organization}::uuid, ${id}::uuid)`.execute(database.owner)
    }
    const { claims } = await logIn(database, organization, buyer.id)
    people = {
      buyer,
      colleague,
      developer,
      supplier,
      excluded,
      former,
      outsider,
      stranger,
      ended: { ...buyer, claims },
    }
    for (const stage of stages) {
      const until = stage === 'draft' || stage === 'in_review' ? stage : 'approved'
      const id = await createProjectOf(api, cast, { until, openers: [buyer, colleague, second], deadline: inOneHour() })
      await api.call(contract.excludeRfxMember, buyer.claims, { params: { id, userId: excluded.id } })
      if (stage === 'deadline passed' || stage === 'closed') await passDeadline(database, id)
      if (stage === 'closed') expect(await change(id, buyer, 'closed')).toMatchObject({ status: 200 })
      projects.set(stage, id)
    }
    await sql`delete from public.company_member where user_id = ${former.id}::uuid`.execute(database.owner)
    await sql`update nokkel.session set ended_at = now(), ended_reason = 'signed_out'
      where id = ${claims.sid}::uuid`.execute(database.owner)
    // The table is about roles and stages; that writing waits for a new key has a test of its own.
    await sql`update public.rfxs set rekey_pending = false`.execute(database.owner)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const perform: Record<string, (transaction: Transaction, id: string) => Promise<void>> = {
    send: (transaction, id) => updateStatus(transaction, id, { status: 'in_review' }, requestId),
    approve: (transaction, id) => updateStatus(transaction, id, { status: 'approved' }, requestId),
    close: (transaction, id) => updateStatus(transaction, id, { status: 'closed' }, requestId),
    'extend the deadline': (transaction, id) =>
      updateDeadline(transaction, id, new Date(Date.now() + 7_200_000).toISOString(), requestId),
    'shorten the deadline': (transaction, id) =>
      updateDeadline(transaction, id, new Date(Date.now() + 600_000).toISOString(), requestId),
    'remove the deadline': (transaction, id) => updateDeadline(transaction, id, null, requestId),
    'set a deadline that has passed': (transaction, id) =>
      updateDeadline(transaction, id, '2026-01-05T08:00:00Z', requestId),
    'set a deadline in three years': (transaction, id) =>
      updateDeadline(transaction, id, new Date(Date.now() + 3 * 365 * 86_400_000).toISOString(), requestId),
    invite: (transaction, id) => updateParty(transaction, 'rfx_invitation.create', id, cast.rivalCompany, requestId),
    withdraw: (transaction, id) =>
      updateParty(transaction, 'rfx_invitation.remove', id, cast.supplierCompany, requestId),
    exclude: (transaction, id) => updateParty(transaction, 'rfx_member.remove', id, cast.another.id, requestId),
    'exclude an opener': (transaction, id) => updateParty(transaction, 'rfx_member.remove', id, opener.id, requestId),
    readmit: (transaction, id) => updateParty(transaction, 'rfx_member.readmit', id, people.excluded.id, requestId),
    'name an opener': (transaction, id) =>
      updateParty(transaction, 'rfx_opener.create', id, cast.another.id, requestId),
    'dismiss an opener': (transaction, id) =>
      updateParty(transaction, 'rfx_opener.remove', id, cast.colleague.id, requestId),
    delete: (transaction, id) => deleteRfx(transaction, id, requestId),
  }

  /** What somebody is answered; whatever they did is undone. */
  async function attempt(action: string, role: Role, stage: string): Promise<string | null> {
    const undo = new Error('undone')
    const acting = withClaims(database.server, people[role].claims, async (transaction) => {
      await perform[action]?.(transaction, projects.get(stage) ?? '')
      throw undo
    })
    return refusalOf(acting.catch((error) => (error === undo ? undefined : Promise.reject(error))))
  }

  it.each(Object.keys(expected))('%s: who may, and when', async (action) => {
    const found: Record<string, (string | null)[]> = {}
    for (const role of roles) {
      found[role] = []
      for (const stage of stages) found[role]?.push(await attempt(action, role, stage))
    }
    expect(found).toEqual(expected[action])
  })

  it('knows whom it can be done to', async () => {
    const { buyer, supplier, supplierColleague, outsider, stranger, company } = cast
    const elsewhere = await createCompanyOf(database, stranger.claims.organization)
    const id = await createProjectOf(api, cast, { until: 'in_review' })
    const on = async (operation: contract.Operation, params: Record<string, string>) =>
      (await api.call(operation, buyer.claims, { params: { id, ...params } })).code
    expect(await on(contract.inviteSupplier, { companyId: company })).toBe('conflict')
    expect(await on(contract.inviteSupplier, { companyId: elsewhere })).toBe('not_found')
    expect(await on(contract.inviteSupplier, { companyId: crypto.randomUUID() })).toBe('not_found')
    expect(await on(contract.withdrawSupplier, { companyId: cast.rivalCompany })).toBe('not_found')
    expect(await on(contract.excludeRfxMember, { userId: buyer.id })).toBe('conflict')
    // Suppliers are in it only once it is approved.
    for (const { id: userId } of [supplier, supplierColleague, outsider, stranger]) {
      expect(await on(contract.excludeRfxMember, { userId })).toBe('not_found')
      expect(await on(contract.nameOpener, { userId })).toBe('not_found')
    }
    expect(await on(contract.nameOpener, { userId: cast.developer.id })).toBe('not_found')
    expect(await on(contract.readmitRfxMember, { userId: cast.colleague.id })).toBe('not_found')
    expect(await on(contract.dismissOpener, { userId: cast.colleague.id })).toBe('not_found')
  })

  it('takes nothing for an answer', async () => {
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const tell = (person: RfxPerson, statement: RawBuilder<unknown>) =>
      refusalOf(withClaims(database.server, person.claims, (transaction) => statement.execute(transaction)))
    const { buyer, administrator, colleague } = cast
    const request = sql`${requestId}::uuid`
    for (const [person, statement, code] of [
      [buyer, sql`select nokkel.change_rfx_status(${id}::uuid, null, null, ${request})`, 'request_malformed'],
      [buyer, sql`select nokkel.change_rfx_status(${id}::uuid, 'open', null, ${request})`, 'rfx_status'],
      [buyer, sql`select nokkel.change_rfx_status(null, 'in_review', null, ${request})`, 'not_found'],
      [buyer, sql`select nokkel.set_rfx_deadline(${id}::uuid, 'infinity', ${request})`, 'request_malformed'],
      [buyer, sql`select nokkel.set_rfx_deadline(${id}::uuid, '-infinity', ${request})`, 'request_malformed'],
      [buyer, sql`select nokkel.set_rfx_deadline(null, now() + interval '1 day', ${request})`, 'not_found'],
      [buyer, sql`select nokkel.delete_rfx(null, ${request})`, 'not_found'],
      [buyer, sql`select nokkel.invite_to_rfx(${id}::uuid, null, ${request})`, 'not_found'],
      [buyer, sql`select nokkel.withdraw_from_rfx(${id}::uuid, null, ${request})`, 'not_found'],
      [buyer, sql`select nokkel.exclude_from_rfx(${id}::uuid, null, ${request})`, 'not_found'],
      [buyer, sql`select nokkel.readmit_to_rfx(${id}::uuid, null, ${request})`, 'not_found'],
      [buyer, sql`select nokkel.name_opener(${id}::uuid, null, ${request})`, 'not_found'],
      [buyer, sql`select nokkel.dismiss_opener(${id}::uuid, null, ${request})`, 'not_found'],
      [administrator, sql`select nokkel.set_developer(${colleague.id}::uuid, null, ${request})`, 'request_malformed'],
      [administrator, sql`select nokkel.set_developer(null, true, ${request})`, 'not_found'],
    ] as const) {
      expect(await tell(person, statement)).toBe(code)
    }
  })

  it('does nothing a second time', async () => {
    const { buyer, another, rivalCompany } = cast
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const twice = async (operation: contract.Operation, params: Record<string, string>) => {
      for (const _ of [1, 2]) {
        expect(await api.call(operation, buyer.claims, { params: { id, ...params } })).toMatchObject({ status: 204 })
      }
    }
    await twice(contract.inviteSupplier, { companyId: rivalCompany })
    await twice(contract.nameOpener, { userId: another.id })
    for (const _ of [1, 2]) expect(await change(id, buyer, 'in_review')).toMatchObject({ status: 200 })
    await twice(contract.excludeRfxMember, { userId: another.id })
    const actions = await auditOf(id)
    for (const once of ['rfx_opener.create', 'rfx_member.remove', 'rfx.in_review']) {
      expect(actions.filter((action) => action === `${once} allowed`)).toHaveLength(1)
    }
  })

  describe('approval', () => {
    it('needs a company that is invited', async () => {
      const id = await createProjectOf(api, cast, { until: 'in_review', suppliers: [] })
      expect(await change(id, cast.developer, 'approved')).toMatchObject({ status: 409, code: 'suppliers_missing' })
    })

    it('with a deadline needs openers whose group has been made', async () => {
      const { buyer, developer, company } = cast
      const missing = (wanted: string) => ({ status: 409, code: 'openers_missing', data: { wanted } })
      const id = await createProjectOf(api, cast, { until: 'in_review', deadline: inOneHour() })
      expect(await change(id, developer, 'approved')).toMatchObject(missing('opener'))
      await api.call(contract.nameOpener, buyer.claims, { params: { id, userId: buyer.id } })
      expect(await change(id, developer, 'approved')).toMatchObject(missing('opener'))
      const opening = await createGroup(api, buyer, id, 'opening', company)
      expect(await change(id, developer, 'approved')).toMatchObject(missing('company_key_or_second_opener'))
      await distribute(api, buyer, opening)
      expect(await change(id, developer, 'approved')).toMatchObject({ status: 200, body: { status: 'approved' } })
    })

    it('is too late after the deadline', async () => {
      const openers = [cast.buyer]
      const id = await createProjectOf(api, cast, { until: 'in_review', openers, deadline: inOneHour() })
      await passDeadline(database, id)
      expect(await change(id, cast.developer, 'approved')).toMatchObject({ code: 'deadline_passed' })
    })

    it('is not by a reviewer who is of the buyer', async () => {
      const { organization, company } = cast
      const both = await createRfxPerson(database, api, organization, { developer: true })
      await sql`insert into public.company_member (company_id, organization_id, user_id)
        values (${company}::uuid, ${organization}::uuid, ${both.id}::uuid)`.execute(database.owner)
      const id = await createProjectOf(api, cast, { until: 'in_review' })
      expect(await change(id, both, 'approved')).toMatchObject({ status: 403, code: 'forbidden' })
      await sql`delete from public.company_member where user_id = ${both.id}::uuid`.execute(database.owner)
    })

    it('is of what was read, and so is sending', async () => {
      const { buyer, developer } = cast
      const id = await createProjectOf(api, cast, { until: 'draft' })
      const tell = (person: RfxPerson, status: string, sequence: number) =>
        api.call(contract.changeRfxStatus, person.claims, { params: { id }, body: { status, sequence } })
      const write = () => writeEntry(api, buyer, id, { kind: 'title', plaintext: encodeRfxTitle('Ny skole') })
      const { sequence: second } = await write()
      for (const [person, status] of [
        [buyer, 'in_review'],
        [developer, 'approved'],
      ] as const) {
        const read = status === 'in_review' ? second : second + 1
        for (const other of [0, read - 1, read + 1]) {
          const answer = await tell(person, status, other)
          expect(answer).toMatchObject({ status: 409, code: 'sequence_stale', data: { sequence: read } })
        }
        expect(await tell(person, status, read)).toMatchObject({ status: 200, body: { status } })
        // Asked for again when more was written.
        if (status === 'in_review') await write()
        expect(await tell(person, status, read)).toMatchObject({ status: 200, body: { status } })
        await distribute(api, buyer, id)
      }
      expect(await tell(buyer, 'in_review', 1)).toMatchObject({ code: 'rfx_status' })
      expect(await tell(buyer, 'closed', 1)).toMatchObject({ status: 200, body: { status: 'closed' } })
    })

    it('waits for a new key, and so does sending', async () => {
      for (const [until, status, person] of [
        ['draft', 'in_review', cast.buyer],
        ['in_review', 'approved', cast.developer],
      ] as const) {
        const id = await createProjectOf(api, cast, { until })
        await api.call(contract.excludeRfxMember, cast.buyer.claims, { params: { id, userId: cast.another.id } })
        expect(await change(id, person, status)).toMatchObject({ status: 409, code: 'rekey_pending' })
      }
    })
  })

  describe('deadline', () => {
    it('of an approved project that has none needs openers', async () => {
      const { buyer, company } = cast
      const id = await createProjectOf(api, cast)
      expect(await setDeadline(id, buyer, inOneHour())).toMatchObject({ code: 'openers_missing' })
      await api.call(contract.nameOpener, buyer.claims, { params: { id, userId: buyer.id } })
      await distribute(api, buyer, await createGroup(api, buyer, id, 'opening', company))
      const deadline = inOneHour()
      expect(await setDeadline(id, buyer, deadline)).toMatchObject({ status: 200, body: { deadline } })
    })

    it('is a time that a calendar has', async () => {
      const id = await createProjectOf(api, cast, { until: 'draft' })
      for (const deadline of [
        '0000-01-01T00:00:00Z',
        '9999-12-31T23:59:59-23:59',
        '2999-01-01T00:00:00Z',
        'infinity',
      ]) {
        expect(await setDeadline(id, cast.buyer, deadline)).toMatchObject({ status: 400, code: 'request_malformed' })
      }
      expect(await setDeadline(id, cast.buyer, '0001-01-01T00:00:00Z')).toMatchObject({ code: 'deadline_passed' })
      const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000)
      const local = new Date(at.getTime() + (23 * 60 + 59) * 60_000).toISOString().replace('Z', '+23:59')
      const answer = await setDeadline(id, cast.buyer, local)
      expect(answer).toMatchObject({ status: 200, body: { deadline: at.toISOString() } })
    })

    it('keeps its last opener', async () => {
      const { buyer, colleague } = cast
      const id = await createProjectOf(api, cast, { openers: [buyer, colleague], deadline: inOneHour() })
      const dismiss = (userId: string) => api.call(contract.dismissOpener, buyer.claims, { params: { id, userId } })
      expect(await dismiss(colleague.id)).toMatchObject({ status: 204 })
      expect(await dismiss(buyer.id)).toMatchObject({ status: 409, code: 'openers_missing' })
    })
  })

  describe('creation', () => {
    const create = (person: RfxPerson, body: unknown) => api.call(contract.createRfx, person.claims, { body })

    it('makes the key, its manifest and the title at once', async () => {
      const { buyer, company } = cast
      const body = await makeProject(api, buyer, company)
      const answer = await create(buyer, body)
      expect(answer).toMatchObject({
        status: 201,
        body: {
          id: body.id,
          status: 'draft',
          role: 'buyer',
          version: 1,
          rekeyPending: false,
          via: 'user',
          title: { sequence: 1, statement: body.title.statement },
          head: { sequence: 1 },
          createdBy: buyer.id,
          createdByName: 'Silje Vik',
          mayNameOpeners: true,
          groups: [{ id: body.id, kind: 'project', member: true, manifest: [{ revision: 1, signerId: buyer.id }] }],
        },
      })
      expect(await auditOf(body.id)).toEqual(
        expect.arrayContaining(['rfx.create allowed', 'rfx_key.wrap allowed', 'rfx_entry.title allowed']),
      )
    })

    it('answers the same again, and refuses another under the same id', async () => {
      const { buyer, colleague, company } = cast
      const body = await makeProject(api, buyer, company)
      const first = await create(buyer, body)
      const again = await create(buyer, body)
      expect(again).toEqual({ ...first, body: { ...first.body, serverTime: again.body.serverTime } })
      const other = await makeProject(api, buyer, company, { id: body.id })
      expect(await create(buyer, other)).toMatchObject({ status: 409, code: 'conflict' })
      expect(await create(buyer, { ...body, title: other.title })).toMatchObject({ code: 'conflict' })
      const theirs = await makeProject(api, colleague, company, { id: body.id })
      expect(await create(colleague, theirs)).toMatchObject({ code: 'conflict' })
    })

    it('leaves nothing of what is refused', async () => {
      const { buyer, supplierCompany, company } = cast
      const body = await makeProject(api, buyer, company)
      const other = await makeProject(api, buyer, company)
      expect(await create(buyer, { ...body, title: other.title })).toMatchObject({ code: 'statement_invalid' })
      expect(await create(buyer, { ...body, manifest: other.manifest })).toMatchObject({ code: 'statement_invalid' })
      expect(await create(buyer, { ...body, companyId: supplierCompany })).toMatchObject({ code: 'not_found' })
      expect(await create(buyer, { ...body, companyId: crypto.randomUUID() })).toMatchObject({ code: 'not_found' })
      const { rows } = await sql`select from public.rfxs where id = ${body.id}::uuid`.execute(database.owner)
      expect(rows).toEqual([])
      expect(await create(buyer, body)).toMatchObject({ status: 201 })
    })

    it('needs a device', async () => {
      const { buyer, organization, company } = cast
      const { claims } = await logIn(database, organization, buyer.id)
      const body = await makeProject(api, buyer, company)
      expect(await create({ ...buyer, claims }, body)).toMatchObject({ status: 403, code: 'device_required' })
    })
  })

  it('deletes a draft with all that is in it', async () => {
    const { buyer } = cast
    const id = await createProject(api, buyer, cast.company)
    await distribute(api, buyer, id)
    expect(await api.call(contract.deleteRfx, buyer.claims, { params: { id } })).toMatchObject({ status: 204 })
    expect(await api.call(contract.getRfx, buyer.claims, { params: { id } })).toMatchObject({ code: 'not_found' })
    const { rows } = await sql`
      select from public.rfxs where id = ${id}::uuid
      union all select from public.rfx_key_members where rfx_id = ${id}::uuid
      union all select from public.rfx_manifest where rfx_id = ${id}::uuid
      union all select from public.rfx_entry where rfx_id = ${id}::uuid`.execute(database.owner)
    expect(rows).toEqual([])
  })

  it('ends the making of new keys when it closes', async () => {
    const { buyer, colleague, developer } = cast
    const id = await createProjectOf(api, cast, { openers: [buyer, colleague] })
    const other = await createProjectOf(api, cast)
    const { rows: groups } = await sql<{ id: string }>`
      select id from public.rfxs where ${id}::uuid in (id, parent_id)`.execute(database.owner)
    expect(groups).toHaveLength(2)
    const attempts = async () => {
      const { rows } = await sql<{ id: string }>`select rfx_id as id from nokkel.rfx_key_attempt
        where rfx_id = any (${[...groups.map((group) => group.id), other]}::uuid[])`.execute(database.owner)
      return rows.map((row) => row.id).sort()
    }
    const insert = (group: string) => sql`
      insert into nokkel.rfx_key_attempt (id, rfx_id, version, previous_key, created_by)
        values (gen_random_uuid(), ${group}::uuid, 2, ${new Uint8Array(80)}, ${developer.id}::uuid)`
    for (const group of [...groups.map((one) => one.id), other]) await insert(group).execute(database.owner)
    expect(await attempts()).toHaveLength(3)
    expect(await change(id, buyer, 'closed')).toMatchObject({ status: 200 })
    expect(await attempts()).toEqual([other])
  })

  it('records what is refused', async () => {
    const { supplier } = cast
    const id = await createProjectOf(api, cast)
    expect(await change(id, supplier, 'closed')).toMatchObject({ status: 403 })
    expect(await api.call(contract.deleteRfx, cast.buyer.claims, { params: { id } })).toMatchObject({ status: 409 })
    const audit = await readAudit(database)
    expect(audit.filter(({ subject, outcome }) => subject === id && outcome === 'refused')).toEqual([
      { user: supplier.id, action: 'rfx.closed', subject: id, outcome: 'refused', problem: 'forbidden' },
      { user: cast.buyer.id, action: 'rfx.delete', subject: id, outcome: 'refused', problem: 'rfx_status' },
    ])
  })
})

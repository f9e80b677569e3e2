import { createHash, randomBytes, randomUUID } from 'node:crypto'
import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendAssignment } from '../../packages/server/src/assignments/send.ts'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { sealFor } from '../../tools/testing/assignments.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { createCompanyOf, storeCompanyKey } from '../../tools/testing/managed-keys.ts'
import { createEquipped, createOrganization, type Equipped, logIn } from '../../tools/testing/people.ts'
import { writeEntry } from '../../tools/testing/rfx/content.ts'
import { distribute, openGroup, rekey } from '../../tools/testing/rfx/keys.ts'
import { answerOf, createRfxPerson } from '../../tools/testing/rfx/person.ts'
import { createProjectAt, inOneHour } from '../../tools/testing/rfx/projects.ts'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'
import { callsOf } from '../merge/testing/calls.ts'
import { type Dump, dumpTables } from '../merge/testing/dump.ts'
import { createDuplicate, createPair, type Pair } from '../merge/testing/pair.ts'
import { heldContact, heldNumber, holdEverything } from './testing/held.ts'
import { createMemoryLedger, type MemoryLedger } from './testing/memory-ledger.ts'

/** Where the UUID of somebody who is gone may stand: in what others hold, and in the ledger. */
const lasting = [
  'public.assignment',
  'public.blob',
  'public.signing_key',
  'public.rfxs',
  'public.rfx_invitation',
  'public.rfx_opener',
  'public.rfx_exclusion',
  'public.rfx_manifest',
  'public.rfx_entry',
  'public.rfx_bid',
  'nokkel.rfx_attempt_manifest',
  'nokkel.erasure',
]

const comment = { kind: 'comment', plaintext: new TextEncoder().encode('Et spørsmål') } as const

describe.each(databaseEngines)('erasing a person [%s]', { timeout: 120_000 }, (engine) => {
  let database: TestDatabase
  let api: TestApi
  let ledger: MemoryLedger
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    ledger = createMemoryLedger()
    api = await createTestApi(database, { erasureLedger: ledger, backupRetentionDays: 14 })
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const rows = async <Row>(query: ReturnType<typeof sql<Row>>) => (await query.execute(database.owner)).rows
  const preview = (by: Pick<Equipped, 'claims'>) => api.call(contract.previewErasure, by.claims)
  const erase = (by: Pick<Equipped, 'claims'>, body: unknown = { confirm: 'erase' }) =>
    api.call(contract.erasePerson, by.claims, { body })
  const isHere = async (id: string) =>
    (await rows(sql`select from public.app_user where auth_user_id = ${id}::uuid`)).length > 0

  it('leaves nothing of them but what others hold', async () => {
    const pair = await createPair(database, api)
    const { other } = pair
    await holdEverything(database, api, other)
    await writeEntry(api, other, pair.theirs, comment)
    const before = await dumpTables(database)
    const [{ pseudonym } = { pseudonym: '' }] = await rows(
      sql<{ pseudonym: string }>`select pseudonym from nokkel.pseudonym where user_id = ${other.id}::uuid`,
    )
    const traces = tracesOf(before, other.id)
    // Of everything that was laid down, and so that this cannot pass by looking for nothing.
    expect(traces.length).toBeGreaterThan(35)

    const seen = await preview(other)
    expect(seen).toMatchObject({ status: 200, body: { blockers: [] } })
    const answer = await erase(other)
    expect(answer).toMatchObject({ status: 200 })
    const { id, removed, certificate, erasedAt, backupsExpireAt } = answer.body as contract.ErasureCertificate
    expect(removed).toEqual(seen.body.removed)
    expect(removed).toMatchObject({
      app_user: 1,
      external_identity: 3,
      user_identities: 1,
      consent: 3,
      device_key: 1,
      person_key: 1,
      biometric_enrollment: 1,
      company_member: 2,
      organization_member: 2,
      assignment_recipient: 2,
      user_key: 1,
      waiting_identity: 1,
    })
    expect(seen.body.kept).toMatchObject({ assignment: 1, rfx_entry: 1, signing_key: 1 })
    expect(Date.parse(backupsExpireAt) - Date.parse(erasedAt)).toBe(14 * 86_400_000)

    const after = await dumpTables(database)
    const text = JSON.stringify(after)
    for (const trace of traces) expect(text.includes(trace), trace).toBe(false)
    for (const needle of ['Åse Sletten', heldNumber, heldContact.email, heldContact.phoneNumber]) {
      expect(text).not.toContain(needle)
      expect(JSON.stringify(answer.body) + certificate).not.toContain(needle)
    }
    const named = Object.keys(after).filter((table) => after[table]?.some((row) => row.includes(other.id)))
    expect(named.filter((table) => !lasting.includes(table))).toEqual([])
    expect(named).toEqual(expect.arrayContaining(['public.assignment', 'public.rfx_entry', 'nokkel.erasure']))
    // Of the log the way back is gone, and what is in it of the erasure leads to nobody.
    expect(await rows(sql`select from nokkel.pseudonym where pseudonym = ${pseudonym}::uuid`)).toEqual([])
    expect(
      await rows(sql`select actor, subject_id, outcome from nokkel.audit_log where action = 'person.erase'`),
    ).toEqual([{ actor: null, subject_id: id, outcome: 'allowed' }])
    // Others did things to them, and are recorded: under the pseudonym, which is nobody's now.
    expect(await rows(sql`select from nokkel.audit_log where subject_id like ${`%${other.id}%`}`)).toEqual([])
    expect(
      await rows(sql`select action from nokkel.audit_log
        where subject_id = ${`${pair.closedTo}/${pseudonym}`} and action = 'rfx_member.remove'`),
    ).toHaveLength(1)
    expect(atob(certificate.split('.')[1]?.replace(/-/g, '+').replace(/_/g, '/') ?? '')).not.toContain(other.id)
    expect(ledger.lines).toEqual([{ id, userId: other.id, formerIds: [], erasedAt, backupsExpireAt, removed }])

    // The others go on.
    const inbox = await api.call(contract.listAssignments, pair.survivor.claims, { query: { box: 'inbox' } })
    const fromThem = inbox.body.assignments.find(({ sender }: contract.AssignmentSummary) => sender.id === other.id)
    expect(fromThem).toMatchObject({ sender: { name: null }, readable: true })
    const opened = await api.call(contract.getAssignment, pair.survivor.claims, { params: { id: fromThem.id } })
    expect(opened).toMatchObject({ status: 200, body: { sender: { name: null } } })
    const key = { params: { thumbprint: opened.body.signer.thumbprint } }
    expect(await api.call(contract.getSigningKey, pair.survivor.claims, key)).toMatchObject({
      status: 200,
      body: { userId: other.id, userName: null, validUntil: expect.any(String) },
    })
    const { buyer, theirs } = pair
    const params = { id: theirs }
    expect(await api.call(contract.getRfx, buyer.claims, { params })).toMatchObject({ status: 200 })
    const entries = await answerOf(api, contract.listRfxEntries, buyer, { params })
    expect(entries.entries.filter(({ author }: { author: { id: string } }) => author.id === other.id)).toMatchObject([
      { author: { name: null } },
    ])
    const thumbprints = [other.signingThumbprint]
    expect(
      (await answerOf(api, contract.findRfxSigners, buyer, { params, body: { thumbprints } })).signers,
    ).toHaveLength(1)
    // Who has gone had the key: it is replaced, and what was written stays readable.
    expect(await openGroup(api, buyer, theirs)).toBeDefined()
    await rekey(api, buyer, theirs)
    await distribute(api, buyer, theirs)
    await writeEntry(api, buyer, theirs, comment)
  })

  it('is told to whoever comes with what they had', async () => {
    const organization = await createOrganization(database)
    const person = await createEquipped(database, organization)
    const elsewhere = await logIn(database, organization, person.id, { ageSeconds: 3600 })
    expect(await erase(person)).toMatchObject({ status: 200 })
    for (const { claims } of [person, elsewhere]) {
      for (const operation of [contract.listSessions, contract.previewErasure, contract.listDevices]) {
        expect(await api.call(operation, claims)).toMatchObject({ status: 401, code: 'account_erased' })
      }
      expect(await api.call(contract.exportPersonalData, claims)).toMatchObject({ status: 401, code: 'account_erased' })
    }
    expect(await erase(elsewhere)).toMatchObject({ status: 401, code: 'account_erased' })
    // Of a session that a restored backup does not know, too.
    const claims = { ...person.claims, sid: crypto.randomUUID() }
    expect(await api.call(contract.listSessions, claims)).toMatchObject({ status: 401, code: 'account_erased' })
    const stranger = { ...claims, sub: crypto.randomUUID() }
    expect(await api.call(contract.listSessions, stranger)).toMatchObject({ status: 401, code: 'session_ended' })
  })

  it('is certified again to the session that asked, and to no other', async () => {
    const organization = await createOrganization(database)
    const person = await createEquipped(database, organization)
    const elsewhere = await logIn(database, organization, person.id)
    const bystander = await createEquipped(database, organization)
    const answers = await Promise.all([erase(person), erase(person)])
    answers.push(await erase(person))
    const said = answers.map(({ status, body: { certificate: _, ...rest } }) => ({ status, rest }))
    expect(said[0]).toMatchObject({ status: 200, rest: { id: expect.any(String), removed: { app_user: 1 } } })
    expect(said).toEqual(Array(3).fill(said[0]))
    expect(ledger.lines.filter(({ userId }) => userId === person.id)).toHaveLength(1)
    const { sub, sid } = person.claims
    for (const claims of [elsewhere.claims, { ...person.claims, sid: crypto.randomUUID() }]) {
      expect(await erase({ claims })).toMatchObject({ status: 401, code: 'account_erased' })
    }
    expect(await erase({ claims: { ...bystander.claims, sid } })).toMatchObject({ status: 401, code: 'session_ended' })
    expect(await erase({ claims: { ...person.claims, sub: bystander.id } })).toMatchObject({ status: 401 })
    expect([await isHere(sub), await isHere(bystander.id)]).toEqual([false, true])
  })

  it('is led to by no session once its answer cannot be asked for again', async () => {
    const person = await createEquipped(database, await createOrganization(database))
    const { sid } = person.claims
    await api.call(contract.removeBiometrics, person.claims)
    expect(
      await rows(sql`select from nokkel.audit_log where subject_id = ${sid} and actor is not null`),
      'the log names the session, so this can fail',
    ).not.toEqual([])
    expect((await erase(person)).status).toBe(200)
    await rows(sql`update nokkel.erasure_answer set expires_at = now() where session_id = ${sid}::uuid`)
    expect(await erase(person)).toMatchObject({ status: 401, code: 'account_erased' })
    await rows(sql`select nokkel.sweep()`)
    const dump = await dumpTables(database)
    const named = Object.keys(dump).filter((table) => dump[table]?.some((row) => row.includes(sid)))
    expect(named).toEqual([])
  })

  it('writes nothing to the ledger when something that was deferred refuses', async () => {
    const person = await createEquipped(database, await createOrganization(database))
    await holdEverything(database, api, person)
    const lines = ledger.lines.length
    await rows(sql`create function public.fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$`)
    await rows(sql`create constraint trigger fail after delete on public.user_identities deferrable initially deferred
      for each row execute function public.fail()`)
    expect(await erase(person)).toMatchObject({ status: 500, code: 'server_failed' })
    await rows(sql`drop function public.fail() cascade`)
    expect(ledger.lines).toHaveLength(lines)
    expect(await isHere(person.id)).toBe(true)
    expect((await erase(person)).status).toBe(200)
  })

  it('leaves the logins of strangers that wait, and takes those of theirs, under whichever index key', async () => {
    const person = await createEquipped(database, await createOrganization(database))
    const elsewhere = await createOrganization(database)
    const stranger = await createEquipped(database, elsewhere)
    const hash = (text: string) => createHash('sha256').update(`${text} ${person.id}`).digest()
    const hex = (text: string) => `\\x${hash(text).toString('hex')}`
    await rows(sql`insert into nokkel.index_key_version (key_id) values ('former'), ('present')`)
    await rows(sql`insert into public.user_identities (user_id, personnummer_index, personnummer_index_key)
      values (${person.id}::uuid, ${hash('present')}::bytea, 'present') on conflict (user_id) do update
      set personnummer_index = excluded.personnummer_index, personnummer_index_key = excluded.personnummer_index_key`)
    await rows(
      sql`insert into nokkel.former_index values (${hash('former')}::bytea, 'former', ${hash('present')}::bytea, 'present')`,
    )
    const wait = async (login: object, candidate: string) =>
      (
        await rows(sql<{ id: string }>`
          insert into nokkel.waiting_identity (token_hash, thumbprint, organization_id, candidate_id, login)
          values (${randomBytes(32)}::bytea, 't', ${elsewhere}::uuid, ${candidate}::uuid,
            ${JSON.stringify({ provider: 'vipps', client_id: 'c', subject: randomUUID(), name: 'x', ...login })}::jsonb)
          returning id`)
      )[0]?.id
    const theirs = [
      await wait({ personnummer_index: hex('present') }, stranger.id),
      await wait({ personnummer_index: hex('former') }, stranger.id),
      await wait({ personnummer_index: hex('next'), previous_personnummer_index: hex('present') }, stranger.id),
    ]
    const others = [
      await wait({ personnummer_index: null, previous_personnummer_index: null }, stranger.id),
      await wait({}, stranger.id),
      await wait({ personnummer_index: hex('another') }, stranger.id),
    ]
    // Without a number of theirs to compare, too.
    const unknown = await createEquipped(database, elsewhere)
    await rows(sql`insert into public.user_identities (user_id) values (${unknown.id}::uuid) on conflict do nothing`)
    expect((await preview(unknown)).body.removed).not.toHaveProperty('waiting_identity')
    expect((await erase(unknown)).body.removed).not.toHaveProperty('waiting_identity')
    expect((await preview(person)).body.removed).toMatchObject({ waiting_identity: theirs.length })
    expect((await erase(person)).body.removed).toMatchObject({ waiting_identity: theirs.length })
    const left = await rows(sql<{ id: string }>`
      select id from nokkel.waiting_identity where candidate_id = ${stranger.id}::uuid`)
    expect(left.map(({ id }) => id).sort()).toEqual([...others].sort())
  })

  it('is known of a session and its token until they would have expired', async () => {
    const person = await createEquipped(database, await createOrganization(database))
    const { sid } = person.claims
    const hash = Buffer.alloc(32, sid)
    await rows(sql`insert into nokkel.refresh_token (hash, session_id) values (${hash}::bytea, ${sid}::uuid)`)
    expect(await erase(person)).toMatchObject({ status: 200 })
    const known = () =>
      rows(sql`select nokkel.session_state(${sid}::uuid) as session, nokkel.is_erased_token(${hash}::bytea) as token`)
    expect(await known()).toEqual([{ session: 'erased', token: true }])
    await rows(sql`update nokkel.erased_token set expires_at = now() where session_id = ${sid}::uuid`)
    const { rows: swept } = await sql<{ swept: object }>`select nokkel.sweep() as swept`.execute(database.server)
    expect(swept[0]?.swept).toMatchObject({ erasedTokens: 1 })
    expect(await known()).toEqual([{ session: 'revoked', token: false }])
    // The ledger itself is only added to, whoever asks.
    for (const statement of [
      sql`update nokkel.erasure set erased_at = now()`,
      sql`delete from nokkel.erasure`,
      sql`truncate nokkel.erasure`,
    ]) {
      const asOwner = database.owner.transaction().execute(async (transaction) => {
        await sql`set local role nokkel_owner`.execute(transaction)
        await statement.execute(transaction)
      })
      await expect(asOwner).rejects.toMatchObject({ code: '42501' })
    }
  })

  it('is told to devices whose session had ended, or was merged away, for as long as that would have been known', async () => {
    const pair = await createPair(database, api)
    const { organization, survivor, other } = pair
    const hashOf = (sid: string) => createHash('sha256').update(sid).digest()
    const known = async (sid: string) =>
      (
        await rows(
          sql<{ told: boolean }>`select nokkel.session_state(${sid}::uuid) = 'erased'
            and nokkel.is_erased_token(${hashOf(sid)}::bytea) as told`,
        )
      )[0]?.told
    const session = async (id: string, changes: ReturnType<typeof sql>) => {
      const { sid } = (await logIn(database, organization, id)).claims
      await rows(sql`insert into nokkel.refresh_token (hash, session_id) values (${hashOf(sid)}::bytea, ${sid}::uuid)`)
      await rows(sql`update nokkel.session set ${changes} where id = ${sid}::uuid`)
      return sid
    }
    const merged = await session(other.id, sql`device_name = 'Prøve'`)
    expect(await callsOf(api).merge(pair)).toMatchObject({ status: 200 })
    const [expired, ended, old] = [
      await session(survivor.id, sql`expires_at = now() - interval '29 days'`),
      await session(survivor.id, sql`ended_at = now() - interval '1 day', ended_reason = 'signed_out'`),
      await session(survivor.id, sql`expires_at = now() - interval '31 days'`),
    ]
    expect(await erase(await logIn(database, organization, survivor.id))).toMatchObject({ status: 200 })
    for (const sid of [merged, expired, ended]) expect(await known(sid)).toBe(true)
    expect(
      (
        await rows(sql`select from nokkel.erased_token where expires_at > now() + interval '31 days'
      and session_id in (${merged}::uuid, ${expired}::uuid, ${ended}::uuid)`)
      ).length,
    ).toBe(0)
    await rows(sql`select nokkel.sweep()`)
    expect(await rows(sql`select from nokkel.erased_token where session_id = ${old}::uuid`)).toEqual([])
    for (const sid of [merged, expired, ended]) expect(await known(sid)).toBe(true)
  })

  it('takes their keys along once what they signed is deleted, and what nobody is left to read', async () => {
    const organization = await createOrganization(database)
    const [sender, recipient] = [
      await createEquipped(database, organization, { role: 'coordinator' }),
      await createEquipped(database, organization),
    ]
    const [kept, orphaned] = [await sealFor(sender, [recipient]), await sealFor(sender, [recipient])]
    for (const request of [kept, orphaned]) await sendAssignment(database.server, sender.claims, request)
    expect((await erase(sender)).status).toBe(200)
    const sweep = async () => (await rows(sql<{ swept: object }>`select nokkel.sweep() as swept`))[0]?.swept
    const keys = () => rows(sql`select from public.signing_key where user_id = ${sender.id}::uuid`)
    expect(await sweep()).toMatchObject({ orphans: 0 })
    expect(await keys()).toHaveLength(1)
    await rows(sql`delete from public.assignment_recipient where assignment_id = ${orphaned.id}::uuid`)
    expect(await sweep()).toMatchObject({ orphans: 1 })
    expect(await keys()).toHaveLength(1)
    await rows(sql`delete from public.assignment where id = ${kept.id}::uuid`)
    expect(await sweep()).toMatchObject({ orphans: 1 })
    expect(await keys()).toEqual([])
    // Keys of those who have an account are theirs.
    const mine = await rows(sql`select from public.signing_key where user_id = ${recipient.id}::uuid`)
    expect(mine).toHaveLength(1)
  })

  it('takes an assignment along when nobody is left who could read it', async () => {
    const organization = await createOrganization(database)
    const [sender, one, two] = [
      await createEquipped(database, organization, { role: 'coordinator' }),
      await createEquipped(database, organization),
      await createEquipped(database, organization),
    ]
    const request = await sealFor(sender, [one, two])
    await sendAssignment(database.server, sender.claims, request)
    const stands = async () =>
      (await rows(sql`select from public.assignment where id = ${request.id}::uuid`)).length === 1
    const keys = () => rows(sql`select from public.signing_key where user_id = ${sender.id}::uuid`)
    expect((await erase(one)).body.removed).not.toHaveProperty('assignment')
    expect((await preview(sender)).body).toMatchObject({ kept: { assignment: 1, signing_key: 1 } })
    expect((await erase(sender)).status).toBe(200)
    expect([await stands(), (await keys()).length]).toEqual([true, 1])
    expect((await erase(two)).body.removed).toMatchObject({ assignment: 1 })
    expect([await stands(), (await keys()).length]).toEqual([false, 0])
  })

  it('takes along the accounts that had become theirs', async () => {
    const pair: Pair = await createPair(database, api)
    await holdEverything(database, api, pair.other)
    expect(await callsOf(api).merge(pair)).toMatchObject({ status: 200 })
    const traces = tracesOf(await dumpTables(database), pair.other.id)
    const { status, body } = await erase(pair.survivor)
    expect(status).toBe(200)
    expect([await isHere(pair.survivor.id), await isHere(pair.other.id)]).toEqual([false, false])
    expect(ledger.lines.at(-1)).toMatchObject({ id: body.id, userId: pair.survivor.id, formerIds: [pair.other.id] })
    const text = JSON.stringify(await dumpTables(database))
    for (const trace of traces) expect(text.includes(trace), trace).toBe(false)
    expect(
      await rows(sql`select from nokkel.account_merge_row where merge_id in (
      select id from nokkel.account_merge where ${pair.survivor.id}::uuid in (survivor_id, other_id))`),
    ).toEqual([])
    expect(await api.call(contract.listSessions, pair.other.claims)).toMatchObject({ code: 'account_erased' })
  })

  it('leaves nothing of them in what the merges of others remember, which can be undone still', async () => {
    const pair = await createPair(database, api)
    const person = await createEquipped(database, pair.organization)
    await createDuplicate(database, pair.organization, pair.other.id, person.id, 'phone_and_email')
    expect(await callsOf(api).merge(pair)).toMatchObject({ status: 200 })
    const journal = async () => (await dumpTables(database))['nokkel.account_merge_row'] ?? []
    expect((await journal()).filter((row) => row.includes(person.id))).not.toEqual([])
    expect((await erase(person)).status).toBe(200)
    expect((await journal()).filter((row) => row.includes(person.id))).toEqual([])
    expect(await callsOf(api).undo(pair)).toMatchObject({ status: 200 })
  })

  describe('is refused, and leaves everything as it was', () => {
    async function expectRefusal(person: Pick<Equipped, 'claims' | 'id'>, expected: object, body?: unknown) {
      const [before, lines] = [await dumpTables(database), ledger.lines.length]
      expect(await erase(person, body)).toMatchObject(expected)
      expect(await dumpTables(database)).toEqual(before)
      expect(ledger.lines).toHaveLength(lines)
    }

    it('without the word, and with something beside it', async () => {
      const person = await createEquipped(database, await createOrganization(database))
      for (const body of [{}, { confirm: 'ja' }, { confirm: 'erase', userId: person.id }, [], 'erase']) {
        await expectRefusal(person, { status: 400, code: 'request_malformed' }, body)
      }
    })

    it('after a login of more than five minutes, or in a session that has ended', async () => {
      const organization = await createOrganization(database)
      const { id } = await createEquipped(database, organization)
      const old = await logIn(database, organization, id, { ageSeconds: 301 })
      await expectRefusal(old, { status: 403, code: 'login_too_old' })
      const ended = await logIn(database, organization, id)
      await api.call(contract.signOut, ended.claims)
      await expectRefusal(ended, { status: 401, code: 'session_ended' })
      // Somebody else's session with their name on it.
      const other = await createEquipped(database, organization)
      const impostor = { id, claims: { ...other.claims, sub: id } }
      await expectRefusal(impostor, { status: 401, code: 'session_ended' })
      expect(await isHere(id)).toBe(true)
      expect(
        (
          await rows(sql`select problem from nokkel.audit_log where action = 'person.erase' and outcome = 'refused'`)
        ).map((row) => (row as { problem: string }).problem),
      ).toEqual(expect.arrayContaining(['login_too_old', 'session_ended']))
    })

    it('for the last administrator of an organisation that has others', async () => {
      const organization = await createOrganization(database)
      const person = await createEquipped(database, organization, { role: 'administrator' })
      expect((await preview(person)).body.blockers).toEqual([])
      const other = await createEquipped(database, organization)
      const blockers = [{ kind: 'organization_administrator', id: organization, name: expect.any(String) }]
      expect((await preview(person)).body.blockers).toEqual(blockers)
      await expectRefusal(person, { status: 409, code: 'erasure_blocked', data: { blockers } })
      await sql`update public.organization_member set role = 'administrator'
        where user_id = ${other.id}::uuid`.execute(database.owner)
      expect((await erase(person)).status).toBe(200)
    })

    it('for the last administrator of a company that has others, or is the buyer of a project with others', async () => {
      const organization = await createOrganization(database)
      const [person, colleague] = [
        await createEquipped(database, organization),
        await createEquipped(database, organization),
      ]
      const company = await createCompanyOf(database, organization, {
        [person.id]: 'administrator',
        [colleague.id]: 'member',
      })
      const blockers = [{ kind: 'company_administrator', id: company, name: expect.any(String) }]
      await expectRefusal(person, { status: 409, code: 'erasure_blocked', data: { blockers } })
      await sql`delete from public.company_member where user_id = ${colleague.id}::uuid`.execute(database.owner)
      expect((await preview(person)).body.blockers).toEqual([])
      // A reviewer is in it from when it is sent to them.
      await sql`update public.organization_member set is_developer = true
        where user_id = ${colleague.id}::uuid`.execute(database.owner)
      await sql`insert into public.rfxs (organization_id, kind, company_id, status, created_by)
        values (${organization}::uuid, 'project', ${company}::uuid, 'in_review', ${person.id}::uuid)`.execute(
        database.owner,
      )
      expect((await preview(person)).body.blockers).toEqual(blockers)
      await expectRefusal(person, { status: 409, code: 'erasure_blocked', data: { blockers } })
      await sql`update public.rfxs set status = 'draft' where company_id = ${company}::uuid`.execute(database.owner)
      expect((await erase(person)).status).toBe(200)
    })

    it('for the only one who can open bids', async () => {
      const organization = await createOrganization(database)
      const person = (name: string, text: number, developer = false) =>
        createRfxPerson(database, api, organization, { name, developer, text: testPrivateKeys[text] ?? '' })
      const [buyer, colleague, developer, supplier] = [
        await person('Silje Vik', 2),
        await person('Tone Sæther', 3),
        await person('Marit Strand', 4, true),
        await person('Bjørn Ødegård', 5),
      ]
      const company = await createCompanyOf(database, organization, {
        [buyer.id]: 'administrator',
        [colleague.id]: 'administrator',
      })
      const supplierCompany = await createCompanyOf(database, organization, { [supplier.id]: 'administrator' })
      for (const id of [company, supplierCompany]) await storeCompanyKey(database, api, id, testPrivateKeys[1])
      const stages = { buyer, developer, suppliers: [supplierCompany], companyId: company }
      const project = await createProjectAt(api, { ...stages, openers: [buyer], deadline: inOneHour() })
      const blockers = [{ kind: 'project_opener', id: project, name: expect.any(String) }]
      expect((await preview(buyer)).body.blockers).toEqual(blockers)
      await expectRefusal(buyer, { status: 409, code: 'erasure_blocked', data: { blockers } })
      expect((await preview(colleague)).body.blockers).toEqual([])
      await answerOf(api, contract.nameOpener, buyer, { params: { id: project, userId: colleague.id } })
      expect((await preview(buyer)).body.blockers).toEqual([])
      expect((await erase(buyer)).status).toBe(200)
      expect((await preview(colleague)).body.blockers).toEqual(
        expect.arrayContaining([expect.objectContaining({ kind: 'project_opener', id: project })]),
      )
    })
  })
})

/** Values that only rows of this person hold, as the database writes them. */
function tracesOf(dump: Dump, userId: string): string[] {
  const mine: string[] = []
  let rest = ''
  for (const [table, rows] of Object.entries(dump)) {
    for (const text of rows) {
      const row = JSON.parse(text) as Record<string, unknown>
      const isTheirs = [row.user_id, row.auth_user_id, row.candidate_id].includes(userId)
      if (isTheirs && !lasting.includes(table)) mine.push(...stringsOf(row))
      else rest += text
    }
  }
  return [...new Set(mine)].filter((value) => !rest.includes(JSON.stringify(value).slice(1, -1)))
}

function stringsOf(value: unknown): string[] {
  if (typeof value === 'string') {
    return value.length >= 20 && !/^\d{4}-\d\d-\d\dT/.test(value) ? [JSON.stringify(value).slice(1, -1)] : []
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsOf) : []
}

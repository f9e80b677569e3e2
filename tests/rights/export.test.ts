import * as contract from '@nokkel/contract'
import { decodeBase64Url, open } from '@nokkel/crypto'
import type { LogEntry } from '@nokkel/server'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { createEquipped, createOrganization, logIn } from '../../tools/testing/people.ts'
import { writeEntry } from '../../tools/testing/rfx/content.ts'
import { callsOf } from '../merge/testing/calls.ts'
import { createPair, type Pair, personnummer } from '../merge/testing/pair.ts'
import { heldContact, heldNumber, holdEverything } from './testing/held.ts'

/** Tables that name a person and are not in their export, each with its reason. */
const leftOut: Readonly<Record<string, string>> = {
  person_key: 'a key, and nothing else',
  pseudonym: 'the rows it leads to are in the export',
  audit_log: 'in the export, by pseudonym',
  login_attempt: 'a login that has begun, of whoever it may turn out to be; an hour old at most',
  waiting_identity: 'a login of which it is not known whose it is; an hour old at most',
  webauthn_challenge: 'a question without an answer; five minutes old at most',
  erasure: 'of people who are gone',
  rfx_attempt_wrap: 'a key of a project in the making, a day old at most; the project is in the export once it has it',
}

/** What an export shows of each row: nothing that opens anything, and nobody else. */
const shown: Readonly<Record<string, readonly string[]>> = {
  notes: ['about', 'en', 'nb'],
  app_user: ['auth_user_id', 'created_at', 'name', 'public_key'],
  organization: ['id', 'name', 'slug'],
  organization_member: ['created_at', 'is_developer', 'organization_id', 'role', 'user_id'],
  organization_login: ['last_login_at', 'organization_id', 'user_id'],
  external_identity: [
    'client_id',
    'created_at',
    'id',
    'last_login_at',
    'organization_id',
    'provider',
    'subject',
    'user_id',
  ],
  removed_login: ['client_id', 'provider', 'removed_at', 'subject', 'user_id'],
  user_identities: [
    'bankid_verified',
    'bankid_verified_at',
    'contact_updated_at',
    'created_at',
    'id',
    'personnummer_kept_at',
    'personnummer_source',
    'personnummer_verified',
    'updated_at',
    'user_id',
    'vipps_sub',
  ],
  consent: [
    'given_at',
    'id',
    'legal_basis',
    'organization_id',
    'purpose',
    'replaced_at',
    'shares',
    'text_version',
    'user_id',
    'withdrawn_at',
  ],
  offered_personnummer: ['expires_at', 'masked', 'offered_at', 'source', 'user_id'],
  session: [
    'acr',
    'assurance',
    'authenticated_at',
    'device_id',
    'device_name',
    'ended_at',
    'ended_reason',
    'expires_at',
    'id',
    'identity_id',
    'last_used_at',
    'organization_id',
    'provider',
    'thumbprint',
    'unlocked_at',
    'unlocked_until',
    'user_id',
  ],
  device_key: [
    'encryption_key',
    'encryption_thumbprint',
    'ended_at',
    'id',
    'last_seen_at',
    'name',
    'registered_at',
    'registration',
    'signing_thumbprint',
    'state',
    'user_id',
  ],
  signing_key: ['device_id', 'public_key', 'thumbprint', 'user_id', 'valid_from', 'valid_until'],
  user_key: [
    'created_at',
    'destroyed_at',
    'id',
    'public_key',
    'revoked_at',
    'state',
    'superseded_at',
    'thumbprint',
    'user_id',
  ],
  biometric_enrollment: ['device_id', 'enrolled_at', 'user_id'],
  webauthn_credential: [
    'aaguid',
    'backed_up',
    'created_at',
    'device_id',
    'device_type',
    'last_used_at',
    'rp_id',
    'sign_count',
  ],
  company: ['id', 'name', 'organization_id', 'organization_number'],
  company_member: ['company_id', 'created_at', 'organization_id', 'role', 'user_id'],
  assignment: ['file_count', 'id', 'organization_id', 'revision', 'sender_id', 'sent_at', 'signer_thumbprint'],
  received_assignment: ['file_count', 'id', 'organization_id', 'revision', 'sent_at'],
  assignment_recipient: ['assignment_id', 'fetched_at', 'opened_at', 'user_id'],
  assignment_key: ['assignment_id', 'device_id', 'user_id'],
  rfx_key_members: ['created_at', 'key_id', 'revision', 'rfx_id', 'role', 'signed_thumbprint', 'user_id'],
  rfx_key_attempt: ['created_at', 'created_by', 'id', 'rfx_id', 'version'],
  rfx_key_history: ['company_id', 'company_key_id', 'created_at', 'id', 'rfx_id', 'user_id', 'user_key_id', 'version'],
  rfx_broken_wrap: ['revision', 'rfx_id', 'role', 'signed_thumbprint', 'user_id'],
  rfx_opener: ['created_at', 'rfx_id', 'user_id'],
  rfx_exclusion: ['created_at', 'rfx_id', 'user_id'],
  rfx_entry: [
    'author_id',
    'created_at',
    'key_version',
    'kind',
    'object_id',
    'replaced_at',
    'replaced_version',
    'revision',
    'rfx_id',
    'sequence',
    'signer_thumbprint',
  ],
  suspected_duplicate: ['evidence', 'found_at', 'id', 'organization_id', 'settled_at', 'state'],
  audit_log: [
    'action',
    'by_them',
    'organization_id',
    'outcome',
    'problem',
    'recorded_at',
    'subject_id',
    'subject_type',
  ],
}

describe.each(databaseEngines)('what a person gets of themselves [%s]', { timeout: 120_000 }, (engine) => {
  let database: TestDatabase
  let api: TestApi
  let pair: Pair
  let exported: contract.PersonalDataExport
  const logged: LogEntry[] = []
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database, { logger: (entry) => logged.push(entry) })
    pair = await createPair(database, api)
    await holdEverything(database, api, pair.other)
    await writeEntry(api, pair.other, pair.theirs, { kind: 'comment', plaintext: new TextEncoder().encode('Hei') })
    const answer = await api.call(contract.exportPersonalData, pair.other.claims)
    expect(answer).toMatchObject({ status: 200 })
    exported = answer.body
  }, 120_000)
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  it('has every table that names a person, or says why not', async () => {
    const { rows } = await sql<{ name: string; columns: string[] }>`
      select c.relname as name, array_agg(distinct a.attname::text) as columns
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace in ('public'::regnamespace, 'nokkel'::regnamespace) and c.relkind in ('r', 'p') and (
        a.atttypid in ('uuid'::regtype, 'uuid[]'::regtype) and a.attname ~
          '(^|_)(user|sender|owner|author|signer|candidate|survivor|other|first|second)_id$|_by$|^former_ids$|^actor$|^pseudonym$'
        or exists (
          select from pg_constraint k where k.contype = 'f' and k.conrelid = c.oid and a.attnum = any (k.conkey)
            and k.confrelid in ('public.app_user'::regclass, 'nokkel.session'::regclass, 'public.device_key'::regclass)))
      group by c.relname order by 1`.execute(database.owner)
    expect(rows.length).toBeGreaterThan(35)
    const known = [...Object.keys(exported.data), ...Object.keys(leftOut), ...ofSessions]
    expect(rows.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([])
    expect(
      Object.keys(leftOut).filter((name) => !rows.some((row) => row.name === name) && name !== 'audit_log'),
    ).toEqual([])
  })

  it('shows these columns and no other', () => {
    const columns = Object.entries(exported.data)
      .filter(([, rows]) => rows.length > 0)
      .map(([name, rows]) => [name, Object.keys(rows[0] ?? {}).sort()])
    expect(Object.fromEntries(columns)).toEqual(shown)
  })

  it('is whole: what is there of them is in it', () => {
    const counts = Object.fromEntries(Object.entries(exported.data).map(([name, rows]) => [name, rows.length]))
    expect(counts).toMatchObject({
      app_user: 1,
      organization_member: 2,
      external_identity: 3,
      consent: 3,
      session: 2,
      device_key: 1,
      company: 2,
      company_member: 2,
      assignment: 1,
      received_assignment: 2,
      assignment_recipient: 2,
      user_key: 1,
      rfx_opener: 1,
      rfx_exclusion: 1,
      rfx_entry: 1,
      suspected_duplicate: 3,
    })
    expect(exported).toMatchObject({ format: 'nokkel/export/v1', userId: pair.other.id })
    expect(exported.data.app_user).toMatchObject([{ name: 'Åse Sletten' }])
    expect(exported.contact).toEqual({ ...heldContact, updatedAt: expect.any(String) })
  })

  it('holds nothing that opens anything, no number, and nobody else', async () => {
    const text = JSON.stringify(exported)
    expect(text).not.toContain(heldNumber)
    const { rows } = await sql<{ secret: string }>`
      select encrypted_private_key as secret from public.user_key where encrypted_private_key is not null
      union all select encrypted_private_key from public.company_key where encrypted_private_key is not null
      union all select encrypted_symmetric_key from public.rfx_key_members where length(encrypted_symmetric_key) > 1
      union all select encode(wrapped_key, 'base64') from nokkel.person_key
      union all select encode(wrapped_key, 'hex') from nokkel.person_key
      union all select encode(personnummer_index, 'hex') from public.user_identities where personnummer_index is not null
      union all select encode(hash, 'hex') from nokkel.refresh_token`.execute(database.owner)
    expect(rows.length).toBeGreaterThan(8)
    for (const { secret } of rows) expect(text).not.toContain(secret)
    for (const { id } of [pair.survivor, pair.buyer, pair.administrator]) expect(text).not.toContain(id)
    expect(text).not.toContain('Silje Vik')
    const { rows: pseudonyms } = await sql<{ pseudonym: string }>`
      select pseudonym from nokkel.pseudonym where user_id <> ${pair.other.id}::uuid`.execute(database.owner)
    for (const { pseudonym } of pseudonyms) expect(text).not.toContain(pseudonym)
  })

  it('has the kept number sealed to the device that asks, and to no other', async () => {
    const { keys, deviceId, id } = pair.other
    const context = {
      purpose: 'personnummer-reveal',
      table: 'device_key',
      column: 'encryption_key',
      row: deviceId,
      owner: id,
    }
    const sealed = decodeBase64Url(exported.sealedPersonnummer ?? '')
    expect(new TextDecoder().decode(await open(sealed, keys.encryption, context))).toBe(heldNumber)
    await expect(open(sealed, pair.survivor.keys.encryption, context)).rejects.toMatchObject({ code: 'open_failed' })
    const elsewhere = await logIn(database, pair.organization, id)
    const answer = await api.call(contract.exportPersonalData, elsewhere.claims)
    expect(answer).toMatchObject({ status: 200, body: { sealedPersonnummer: null } })
    expect(notesOf(exported, 'user_identities')).toHaveLength(1)
    expect(notesOf(answer.body, 'user_identities')).toContain(
      'A personnummer is kept. It is not in this export, since the session that asked has no device: ask for it on a device of yours.',
    )
  })

  it('has the number that waits for an answer, masked, and says so', () => {
    expect(exported.data.offered_personnummer).toMatchObject([
      { masked: `${heldNumber.slice(0, 6)}*****`, source: 'bankid' },
    ])
    expect(notesOf(exported, 'offered_personnummer')).toEqual([
      'A provider has told your personnummer at a login, and it waits for an hour for you to say whether it may be kept. It is masked here.',
    ])
    expect(notesOf(exported, 'account_merge')).toEqual([])
  })

  it('is given without what does not open, and says that', async () => {
    const organization = await createOrganization(database)
    const person = await createEquipped(database, organization)
    await holdEverything(database, api, person)
    const notes = async () => {
      const answer = await api.call(contract.exportPersonalData, person.claims)
      expect(answer.status).toBe(200)
      const { contact, sealedPersonnummer, data } = answer.body
      const masked = data.offered_personnummer.map((row: Record<string, unknown>) => row.masked)
      const events = logged.flatMap(({ event }) => (/_unreadable$/.test(event) ? [event] : [])).sort()
      logged.length = 0
      return {
        contact: contact !== null,
        number: sealedPersonnummer !== null,
        masked,
        events,
        unreadable: notesOf(answer.body, 'user_identities').filter((note) => note.includes('could not be read')).length,
      }
    }
    logged.length = 0
    const masked = `${heldNumber.slice(0, 6)}*****`
    expect(await notes()).toEqual({ contact: true, number: true, masked: [masked], events: [], unreadable: 0 })
    const change = (set: ReturnType<typeof sql>) =>
      sql`update public.user_identities set ${set} where user_id = ${person.id}::uuid`.execute(database.owner)
    await change(sql`personnummer = sha256('other')`)
    const event = 'personnummer_unreadable'
    expect(await notes()).toEqual({ contact: true, number: false, masked: [masked], events: [event], unreadable: 1 })
    await change(sql`contact = sha256('other')`)
    await sql`update nokkel.offered_personnummer set personnummer = sha256('other')
      where user_id = ${person.id}::uuid`.execute(database.owner)
    expect(await notes()).toEqual({
      contact: false,
      number: false,
      masked: [null],
      events: ['contact_unreadable', event, event],
      unreadable: 2,
    })
    await sql`update nokkel.person_key set wrapped_key = sha256('lost')
      where user_id = ${person.id}::uuid`.execute(database.owner)
    expect(await notes()).toMatchObject({ contact: false, number: false, masked: [null], unreadable: 2 })
  })

  it('says that a merge remembers more', async () => {
    const merged = await createPair(database, api)
    expect(await callsOf(api).merge(merged)).toMatchObject({ status: 200 })
    const answer = await api.call(contract.exportPersonalData, merged.survivor.claims)
    expect(answer.body.data.account_merge).toHaveLength(1)
    expect(notesOf(answer.body, 'account_merge')).toEqual([
      'For thirty days after accounts were merged, what changed is remembered as it was before, so that the merge can be undone. These copies are not in the export.',
    ])
    expect(answer.body.data.offered_personnummer).toMatchObject([{ masked: `${personnummer.slice(0, 6)}*****` }])
  })

  it('is given after a login of the last five minutes only, to a live session, and is recorded', async () => {
    const organization = await createOrganization(database)
    const { id, claims } = await createEquipped(database, organization)
    const old = await logIn(database, organization, id, { ageSeconds: 301 })
    expect(await api.call(contract.exportPersonalData, old.claims)).toMatchObject({
      status: 403,
      code: 'login_too_old',
    })
    expect(await api.call(contract.exportPersonalData, undefined)).toMatchObject({ status: 401, code: 'token_missing' })
    const impostor = { ...claims, sub: pair.other.id }
    expect(await api.call(contract.exportPersonalData, impostor)).toMatchObject({ status: 401, code: 'session_ended' })
    const answer = await api.call(contract.exportPersonalData, claims)
    expect(answer).toMatchObject({ status: 200, body: { contact: null, sealedPersonnummer: null } })
    const { rows } = await sql`
      select a.outcome, a.problem from nokkel.audit_log a join nokkel.pseudonym p on p.pseudonym = a.actor
      where p.user_id = ${id}::uuid and a.action = 'person.export' order by a.id`.execute(database.owner)
    expect(rows).toEqual([
      { outcome: 'refused', problem: 'login_too_old' },
      { outcome: 'allowed', problem: null },
    ])
  })
})

const notesOf = ({ data }: contract.PersonalDataExport, about: string): string[] =>
  (data.notes ?? []).filter((note) => note.about === about).map((note) => String(note.en))

/** Of a session or a device, and with them in the export: the session is there, and these are hashes and questions. */
const ofSessions = ['refresh_token', 'device_challenge', 'erased_token', 'erasure_answer']

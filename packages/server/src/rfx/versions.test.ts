import * as contract from '@nokkel/contract'
import { digestOfJws, encodeBase64, encodeBase64Url, encryptPreviousKey, generateRfxKey } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { readAudit, readOrphans } from '../../../../tools/testing/managed-keys.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { moveContentKeys } from '../../../../tools/testing/rfx/content.ts'
import {
  distribute,
  type GroupKey,
  openGroup,
  openVersion,
  rekey,
  signWraps,
  type WrapTarget,
} from '../../../../tools/testing/rfx/keys.ts'
import { createRfxPerson, type RfxPerson } from '../../../../tools/testing/rfx/person.ts'
import { createProject } from '../../../../tools/testing/rfx/projects.ts'
import { isRekeyPending, readFaults, readWraps } from '../../../../tools/testing/rfx/rows.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'

describe.each(databaseEngines)('the next version of a key [%s]', (engine) => {
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

  interface Attempt {
    readonly of: GroupKey
    readonly params: { readonly id: string; readonly attemptId: string }
    readonly previous: Uint8Array | null
  }

  async function begin(person: RfxPerson, id: string, changed: { version?: number; attemptId?: string } = {}) {
    const { group, key } = await openGroup(api, person, id)
    const version = changed.version ?? group.version + 1
    const of = { organizationId: cast.organization, groupId: id, kind: group.kind, version, key: generateRfxKey() }
    const envelope = await encryptPreviousKey({ key: of.key, previousKey: key, groupId: id, version })
    const { attemptId = crypto.randomUUID() as string } = changed
    const body = { attemptId, version, previousKey: encodeBase64Url(envelope) }
    const last = group.manifest.at(-1)
    const attempt: Attempt = {
      of,
      params: { id, attemptId },
      previous: last ? await digestOfJws(last.statement) : null,
    }
    return { ...attempt, answer: await sendBegin(person, id, body), body }
  }
  const sendBegin = ({ claims }: RfxPerson, id: string, body: unknown) =>
    api.call(contract.beginRfxVersion, claims, { params: { id }, body })
  const everyone = async ({ claims }: RfxPerson, id: string) =>
    (await api.call(contract.listRfxRecipients, claims, { params: { id } })).body.recipients.filter(
      ({ key }: contract.RfxRecipient) => key,
    ) as WrapTarget[]
  async function sign(person: RfxPerson, { of, previous }: Attempt, targets: readonly WrapTarget[], revision = 1) {
    const { digest, ...body } = await signWraps(person, of, { revision, previous }, targets)
    return { body, digest }
  }
  const send = ({ claims }: RfxPerson, { params }: Attempt, body: unknown) =>
    api.call(contract.addRfxVersionWraps, claims, { params, body })
  const activate = ({ claims }: RfxPerson, { params }: Attempt, body: { omitted?: readonly string[] } = {}) =>
    api.call(contract.activateRfxVersion, claims, { params, body })

  /** An attempt of the person's that only lacks activation. */
  async function ready(person: RfxPerson, id: string): Promise<Attempt> {
    const attempt = await begin(person, id)
    expect(attempt.answer).toMatchObject({ status: 204 })
    const { body } = await sign(person, attempt, await everyone(person, id))
    expect(await send(person, attempt, body)).toMatchObject({ status: 200 })
    return attempt
  }

  it('takes the place of the last, with the key before under it', async () => {
    const { buyer, developer, supplier } = cast
    const id = await createProjectOf(api, cast)
    const before = await openGroup(api, buyer, id)
    const [someone, ...rest] = await everyone(developer, id)
    const attempt = await begin(developer, id)
    const first = await sign(developer, attempt, [someone as WrapTarget])
    expect(await send(developer, attempt, first.body)).toEqual({ status: 200, body: { version: 2, revision: 1 } })
    expect(await send(developer, attempt, first.body)).toMatchObject({ status: 200 })
    // Nobody sees any of it yet.
    expect((await openGroup(api, supplier, id)).group.version).toBe(1)
    const second = await sign(developer, { ...attempt, previous: first.digest }, rest, 2)
    expect(await send(developer, attempt, second.body)).toMatchObject({ body: { version: 2, revision: 2 } })
    for (const _ of [1, 2]) expect(await activate(developer, attempt)).toEqual({ status: 200, body: { version: 2 } })
    for (const person of [buyer, supplier]) {
      const opened = await openGroup(api, person, id)
      expect(opened.group).toMatchObject({ version: 2, rekeyPending: false })
      expect(opened.group.manifest.map(({ signerId }) => signerId)).toEqual([developer.id, developer.id])
      expect(opened.key).toEqual(attempt.of.key)
      expect(await openVersion(opened, 1)).toEqual(before.key)
    }
    expect(await readFaults(database, id)).toEqual([])
    expect(await readOrphans(database)).toEqual([])
    const { rows } = await sql`select from nokkel.rfx_key_attempt where rfx_id = ${id}::uuid`.execute(database.owner)
    expect(rows).toEqual([])
    const actions = (await readAudit(database)).filter(({ subject }) => subject === `${id}/2`)
    expect(actions.map(({ action }) => action)).toEqual(['rfx_key.begin', 'rfx_key.activate'])
  })

  it('is the one after the present one', async () => {
    const { buyer, company } = cast
    const id = await createProject(api, buyer, company)
    expect(await begin(buyer, id, { version: 3 })).toMatchObject({
      answer: { status: 409, code: 'version_stale', data: { version: 1 } },
    })
    await rekey(api, buyer, id)
    const again = { attemptId: crypto.randomUUID(), version: 2, previousKey: encodeBase64Url(new Uint8Array(80)) }
    expect(await sendBegin(buyer, id, again)).toMatchObject({ code: 'version_stale', data: { version: 2 } })
    for (const body of [
      { ...again, version: 1 },
      { ...again, version: 2 ** 31 },
      { ...again, previousKey: encodeBase64Url(new Uint8Array(79)) },
      { ...again, previousKey: `${again.previousKey.slice(0, -1)}B` },
    ]) {
      expect(await sendBegin(buyer, id, body)).toMatchObject({ status: 400, code: 'request_malformed' })
    }
  })

  it('is begun by those who may wrap, and gone on with by who began', async () => {
    const { buyer, colleague, developer, supplier, rival, outsider, stranger } = cast
    const id = await createProjectOf(api, cast)
    const attempt = await begin(buyer, id)
    const { body } = await sign(buyer, attempt, await everyone(buyer, id))
    for (const [person, code] of [
      [supplier, 'forbidden'],
      [rival, 'not_found'],
      [outsider, 'not_found'],
      [stranger, 'not_found'],
    ] as const) {
      const begun = await sendBegin(person, id, { ...attempt.body, attemptId: crypto.randomUUID() })
      expect(begun).toMatchObject({ code })
      // A supplier knows what the group is, and could not have signed for the buyer.
      const refusal = code === 'forbidden' ? 'statement_invalid' : code
      expect(await send(person, attempt, body)).toMatchObject({ code: refusal })
      expect(await activate(person, attempt)).toMatchObject({ code })
    }
    for (const person of [colleague, developer]) {
      const theirs = await sign(person, attempt, await everyone(person, id))
      expect(await send(person, attempt, theirs.body)).toMatchObject({ code: 'version_stale' })
      expect(await activate(person, attempt)).toMatchObject({ code: 'version_stale' })
    }
    expect(await send(buyer, attempt, body)).toMatchObject({ status: 200 })
    expect(await activate(buyer, attempt)).toMatchObject({ status: 200 })
  })

  it('begun again is the same, or takes the place of what was given up', async () => {
    const { buyer, company } = cast
    const id = await createProject(api, buyer, company)
    const other = await createProject(api, buyer, company)
    const first = await begin(buyer, id)
    expect(await sendBegin(buyer, id, first.body)).toMatchObject({ status: 204 })
    const another = { ...first.body, previousKey: encodeBase64Url(new Uint8Array(80)) }
    expect(await sendBegin(buyer, id, another)).toMatchObject({ status: 409, code: 'conflict' })
    expect(await begin(buyer, other, { attemptId: first.params.attemptId })).toMatchObject({
      answer: { code: 'conflict' },
    })
    const second = await ready(buyer, id)
    expect(await activate(buyer, first)).toMatchObject({ code: 'version_stale' })
    expect(await activate(buyer, second)).toMatchObject({ status: 200 })
  })

  it('is not in force before it is wrapped to exactly those who are in the group and have a key', async () => {
    const { buyer, colleague, another, company, organization, outsider } = cast
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const attempt = await begin(buyer, id)
    expect(await activate(buyer, attempt)).toMatchObject({ code: 'recipients_changed' })
    const all = await everyone(buyer, id)
    const without = all.filter(({ ownerId }) => ownerId !== another.id)
    const first = await sign(buyer, attempt, without)
    expect(await send(buyer, attempt, first.body)).toMatchObject({ status: 200 })
    expect(await activate(buyer, attempt)).toMatchObject({
      status: 409,
      code: 'recipients_changed',
      data: { ownerIds: [another.id], missing: [another.id], surplus: [] },
    })
    // Nor is anybody let in who is not in the group, or twice.
    const next = { ...attempt, previous: first.digest }
    const target = all.find(({ ownerId }) => ownerId === another.id) as WrapTarget
    const strange = await createRfxPerson(database, api, organization)
    const { body: listed } = await api.call(contract.listUserKeys, strange.claims)
    for (const wrong of [
      { ...target, ownerId: strange.id, key: listed.keys[0] },
      { ...target, role: 'supplier' as const },
      without[0] as WrapTarget,
    ]) {
      const { body } = await sign(buyer, next, [wrong], 2)
      expect(await send(buyer, attempt, body)).toMatchObject({
        code: 'recipients_changed',
        data: { ownerIds: [wrong.ownerId] },
      })
    }
    expect(await send(buyer, attempt, (await sign(buyer, next, [target], 2)).body)).toMatchObject({ status: 200 })
    // Somebody new is missing; somebody without a key is not.
    for (const person of [outsider.id, colleague.id]) {
      await sql`insert into public.company_member (company_id, organization_id, user_id)
        values (${company}::uuid, ${organization}::uuid, ${person}::uuid) on conflict do nothing`.execute(
        database.owner,
      )
    }
    expect(await activate(buyer, attempt)).toMatchObject({ data: { missing: [outsider.id], surplus: [] } })
    await sql`delete from public.user_key where user_id = ${outsider.id}::uuid`.execute(database.owner)
    expect(await activate(buyer, attempt)).toMatchObject({ status: 200 })
    await sql`delete from public.company_member where user_id = ${outsider.id}::uuid`.execute(database.owner)
  })

  it('keeps wraps to a key that was replaced meanwhile, and none to one that is compromised', async () => {
    const { buyer, company, organization } = cast
    const regenerated = await createRfxPerson(database, api, organization)
    await sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${company}::uuid, ${organization}::uuid, ${regenerated.id}::uuid)`.execute(database.owner)
    const id = await createProject(api, buyer, company)
    const first = await ready(buyer, id)
    const keyOf = async () =>
      (await api.call(contract.listUserKeys, regenerated.claims)).body.keys[0] as { id: string; state: string }
    const renew = { action: 'encrypt', text: testPrivateKeys[2], replaces: (await keyOf()).id }
    expect(await api.call(contract.cryptoService, regenerated.claims, { body: renew })).toMatchObject({ status: 200 })
    expect(await activate(buyer, first)).toMatchObject({ status: 200 })
    expect((await openGroup(api, regenerated, id)).group.wrap?.via).toBe('user')
    expect(await readFaults(database, id)).toEqual([])

    const newcomer = await createRfxPerson(database, api, organization)
    await sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${company}::uuid, ${organization}::uuid, ${newcomer.id}::uuid)`.execute(database.owner)
    const second = await ready(buyer, id)
    const { keys } = (await api.call(contract.listUserKeys, newcomer.claims)).body
    await api.call(contract.revokeUserKey, newcomer.claims, { params: { id: keys[0].id } })
    expect(await activate(buyer, second)).toMatchObject({
      code: 'recipients_changed',
      data: { missing: [], surplus: [newcomer.id] },
    })
    expect(await rekey(api, buyer, id)).toBe(3)
    expect(await readWraps(database, id)).not.toContain(`user ${newcomer.id}`)
    await sql`delete from public.company_member
      where user_id in (${newcomer.id}::uuid, ${regenerated.id}::uuid)`.execute(database.owner)
  })

  it('is ended by whoever leaves, and made anew', async () => {
    const { buyer, another, colleague } = cast
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const attempt = await ready(buyer, id)
    await api.call(contract.excludeRfxMember, colleague.claims, { params: { id, userId: another.id } })
    for (const answer of [
      await activate(buyer, attempt),
      await send(buyer, attempt, (await sign(buyer, attempt, await everyone(buyer, id))).body),
    ]) {
      expect(answer).toMatchObject({ status: 409, code: 'version_stale', data: { version: 1 } })
    }
    expect(await isRekeyPending(database, id)).toBe(true)
    expect(await activate(buyer, await ready(buyer, id))).toMatchObject({ status: 200 })
    expect(await isRekeyPending(database, id)).toBe(false)
  })

  it('of two that are made at once is that of the faster', async () => {
    const { buyer, developer } = cast
    const id = await createProjectOf(api, cast)
    const [slow, fast] = [await ready(buyer, id), await ready(developer, id)]
    expect(await activate(developer, fast)).toMatchObject({ status: 200, body: { version: 2 } })
    expect(await activate(buyer, slow)).toMatchObject({ status: 409, code: 'version_stale', data: { version: 2 } })
    expect((await openGroup(api, buyer, id)).key).toEqual(fast.of.key)
    expect(await rekey(api, buyer, id)).toBe(3)
  })

  const unwrap = async ({ claims }: RfxPerson, id: string, version: number, via: 'user' | 'company' = 'user') => {
    const body = { action: 'unwrap', rfxId: id, version, via }
    const answer = await api.call(contract.cryptoService, claims, { body })
    return answer.code ?? answer.body.key
  }
  const exclude = ({ claims }: RfxPerson, id: string, { id: userId }: RfxPerson) =>
    api.call(contract.excludeRfxMember, claims, { params: { id, userId } })
  const reportBroken = ({ claims }: RfxPerson, id: string, version: number) =>
    api.call(contract.reportBrokenWrap, claims, { params: { id }, body: { version } })
  const historyOf = async (id: string) => {
    const { rows } = await sql<{ owner: string }>`
      select version || ' ' || coalesce(user_id, company_id) as owner from public.rfx_key_history
      where rfx_id = ${id}::uuid order by 1`.execute(database.owner)
    return rows.map(({ owner }) => owner)
  }

  /** A next version that nobody opens, made by who has the present one. */
  async function replaceWithJunk(person: RfxPerson, id: string): Promise<void> {
    const attempt = await begin(person, id)
    const other = encodeBase64(
      new Uint8Array(await crypto.subtle.exportKey('spki', (await strangeKeyPair()).publicKey)),
    )
    const targets = (await everyone(person, id)).map((one) => ({ ...one, key: { ...one.key, publicKey: other } }))
    expect(await send(person, attempt, (await sign(person, attempt, targets)).body)).toMatchObject({ status: 200 })
    expect(await activate(person, attempt)).toMatchObject({ status: 200 })
  }
  const strangeKeyPair = () =>
    crypto.subtle.generateKey(
      { name: 'RSA-OAEP', modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      true,
      ['encrypt', 'decrypt'],
    ) as Promise<CryptoKeyPair>

  it('destroys nothing when it opens for nobody', { timeout: 60_000 }, async () => {
    const { buyer, colleague, another, supplier, company, supplierCompany } = cast
    const id = await createProjectOf(api, cast)
    const first = encodeBase64((await openGroup(api, buyer, id)).key)
    await exclude(buyer, id, another)
    await replaceWithJunk(buyer, id)
    await expect(openGroup(api, colleague, id)).rejects.toThrow()
    expect((await historyOf(id)).map((row) => row.split(' ')[1])).toEqual(
      [
        ...[buyer, colleague, supplier, cast.supplierColleague, cast.developer, cast.reviewer].map(
          (person) => person.id,
        ),
        company,
        supplierCompany,
      ].sort(),
    )
    for (const person of [buyer, colleague, supplier]) expect(await unwrap(person, id, 1)).toBe(first)
    expect(await unwrap(colleague, id, 1, 'company')).toBe(first)
    expect(await unwrap(another, id, 1)).toBe('open_refused')
    // Also without a wrap of the present version.
    expect(await reportBroken(colleague, id, 2)).toMatchObject({ status: 204 })
    expect(await unwrap(colleague, id, 1)).toBe(first)
    expect(await unwrap(colleague, id, 2)).toBe('open_refused')
    await exclude(buyer, id, colleague)
    expect(await unwrap(colleague, id, 1)).toBe('open_refused')
    expect(await historyOf(id)).not.toContain(`1 ${colleague.id}`)
  })

  it('lets go of the wraps before it when thirty days have passed and nothing is under them', async () => {
    const { buyer, company } = cast
    const id = await createProject(api, buyer, company)
    await rekey(api, buyer, id)
    const age = () =>
      sql`update public.rfx_key_history set created_at = now() - interval '31 days' where rfx_id = ${id}::uuid`.execute(
        database.owner,
      )
    const sweep = () => sql`select nokkel.sweep()`.execute(database.server)
    await age()
    await sweep()
    expect(await historyOf(id)).toEqual([`1 ${buyer.id}`])
    expect(await moveContentKeys(api, buyer, id)).toBe(1)
    await sweep()
    expect(await historyOf(id), 'what was replaced is under it').toEqual([`1 ${buyer.id}`])
    await sql`update public.rfx_entry set replaced_at = now() - interval '31 days' where rfx_id = ${id}::uuid`.execute(
      database.owner,
    )
    await sweep()
    expect(await historyOf(id)).toEqual([])
    await rekey(api, buyer, id)
    await moveContentKeys(api, buyer, id)
    await sql`update public.rfx_entry set replaced_key = null, replaced_version = null, replaced_at = null
      where rfx_id = ${id}::uuid`.execute(database.owner)
    await sweep()
    expect((await historyOf(id)).length, 'before thirty days').toBeGreaterThan(0)
  })

  it('keeps a key that opens an earlier version until its wraps are moved', async () => {
    const { company, organization } = cast
    const person = await createRfxPerson(database, api, organization)
    await sql`insert into public.company_member (company_id, organization_id, user_id)
      values (${company}::uuid, ${organization}::uuid, ${person.id}::uuid)`.execute(database.owner)
    const id = await createProject(api, person, company)
    const { body } = await api.call(contract.listUserKeys, person.claims)
    const old = body.keys[0].id as string
    await rekey(api, person, id)
    const renewed = { action: 'encrypt', text: testPrivateKeys[2], replaces: old }
    expect(await api.call(contract.cryptoService, person.claims, { body: renewed })).toMatchObject({ status: 200 })
    const params = { id: old }
    const destroy = () => api.call(contract.destroyUserKey, person.claims, { params })
    expect(await destroy()).toMatchObject({ code: 'key_in_use', data: { wraps: 2 } })
    const moved = await api.call(contract.rewrapUserKey, person.claims, { params, body: {} })
    expect(moved).toMatchObject({ status: 200, body: { rewrapped: 2 } })
    expect(await destroy()).toMatchObject({ status: 204 })
    await sql`delete from public.company_member where user_id = ${person.id}::uuid`.execute(database.owner)
  })

  it('is begun by who has the present one, unless nobody has it any more', async () => {
    const { buyer, developer } = cast
    const id = await createProjectOf(api, cast)
    const version = await begin(buyer, id)
    const body = { ...version.body, attemptId: crypto.randomUUID() as string }
    await sql`delete from public.rfx_key_members
      where rfx_id = ${id}::uuid and user_id = ${developer.id}::uuid`.execute(database.owner)
    expect(await sendBegin(developer, id, body)).toMatchObject({ status: 403, code: 'forbidden' })
    await sql`delete from public.rfx_key_members where rfx_id = ${id}::uuid`.execute(database.owner)
    expect(await sendBegin(developer, id, body)).toMatchObject({ status: 403, code: 'forbidden' })
    const throughCompany = { ...body, attemptId: crypto.randomUUID() }
    expect(await sendBegin(buyer, id, throughCompany)).toMatchObject({ status: 204 })
    await sql`delete from public.rfx_key_companies where rfx_id = ${id}::uuid`.execute(database.owner)
    expect(await sendBegin(developer, id, body)).toMatchObject({ status: 204 })
  })

  it('begins with the last revision of the present one', async () => {
    const { buyer, colleague, another } = cast
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const attempt = await ready(buyer, id)
    await reportBroken(another, id, 1)
    expect(await distribute(api, colleague, id)).toBe(1)
    expect(await activate(buyer, attempt)).toMatchObject({ status: 409, code: 'version_stale', data: { version: 1 } })
    expect(await activate(buyer, await ready(buyer, id))).toMatchObject({ status: 200 })
    expect(await readFaults(database, id)).toEqual([])
  })

  it('leaves out whom it is told to, who wait for it then', async () => {
    const { buyer, another, colleague, outsider } = cast
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const attempt = await begin(buyer, id)
    const targets = (await everyone(buyer, id)).filter(({ ownerId }) => ownerId !== another.id)
    expect(await send(buyer, attempt, (await sign(buyer, attempt, targets)).body)).toMatchObject({ status: 200 })
    expect(await activate(buyer, attempt, { omitted: [colleague.id, outsider.id] })).toMatchObject({
      code: 'recipients_changed',
      data: { missing: [another.id], surplus: [] },
    })
    const omitted = [another.id, outsider.id]
    for (const _ of [1, 2]) {
      expect(await activate(buyer, attempt, { omitted })).toEqual({ status: 200, body: { version: 2 } })
    }
    expect(await readWraps(database, id)).not.toContain(`user ${another.id}`)
    expect(await readFaults(database, id)).toEqual(['wrap_missing'])
    const records = (await readAudit(database)).filter(
      ({ action, subject }) => action.startsWith('rfx_key.') && subject.startsWith(`${id}/2`),
    )
    expect(records.map(({ action, subject }) => `${action} ${subject.slice(id.length)}`)).toEqual([
      'rfx_key.begin /2',
      'rfx_key.wrap /2/1',
      'rfx_key.activate /2/1',
    ])
    expect(await distribute(api, buyer, id)).toBe(1)
    expect(await activate(buyer, attempt, { omitted: ['x'] })).toMatchObject({ code: 'request_malformed' })
  })

  it('grows by revisions that follow each other and commit to one key', async () => {
    const { buyer } = cast
    const id = await createProjectOf(api, cast, { until: 'draft' })
    const attempt = await begin(buyer, id)
    const [one, two, ...rest] = (await everyone(buyer, id)) as [WrapTarget, WrapTarget, ...WrapTarget[]]
    const early = await sign(buyer, attempt, [one], 2)
    expect(await send(buyer, attempt, early.body)).toMatchObject({ code: 'manifest_stale', data: { revision: 0 } })
    const strange = await sign(buyer, { ...attempt, previous: new Uint8Array(32) }, [one])
    expect(await send(buyer, attempt, strange.body)).toMatchObject({ code: 'manifest_stale' })
    const first = await sign(buyer, attempt, [one])
    expect(await send(buyer, attempt, first.body)).toMatchObject({ status: 200 })
    const next = { ...attempt, previous: first.digest }
    const otherKey = { ...next, of: { ...attempt.of, key: generateRfxKey() } }
    const other = await sign(buyer, otherKey, [two], 2)
    expect(await send(buyer, attempt, other.body)).toMatchObject({ code: 'statement_invalid' })
    const otherVersion = await sign(buyer, { ...next, of: { ...attempt.of, version: 3 } }, [two], 2)
    expect(await send(buyer, attempt, otherVersion.body)).toMatchObject({ code: 'version_stale' })
    const second = await sign(buyer, next, [two, ...rest], 2)
    expect(await send(buyer, attempt, second.body)).toMatchObject({ status: 200 })
    expect(await activate(buyer, attempt)).toMatchObject({ status: 200 })
    expect(await distribute(api, buyer, id)).toBe(0)
  })
})

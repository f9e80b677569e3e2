import { generateKeyPairSync, randomBytes } from 'node:crypto'
import {
  decryptEnvelope,
  importEnvelopeKey,
  joinEnvelope,
  parseEncryptedPrivateKey,
  privateKeyContext,
} from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createOrganization, createPerson } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { encryptLikeSource, type SourceColumns, sourceColumns } from '../../../../tools/testing/source-key.ts'
import { givenRootKeys } from '../keyring/root-keys.ts'
import { type AdoptKeysOptions, adoptKeys } from './adopt.ts'

const masterKey = randomBytes(32).toString('hex')
const formerKey = randomBytes(32).toString('hex')
const rootKeys = () => givenRootKeys({ masterKeys: [masterKey], indexKeys: ['00'.repeat(32)] })

describe.each(databaseEngines)('adoption [%s]', (engine) => {
  let database: TestDatabase
  let organization: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    organization = await createOrganization(database)
  })
  afterAll(() => database.close())

  const adopt = (options: Partial<AdoptKeysOptions> = {}) =>
    adoptKeys({ database: database.server, rootKeys: rootKeys(), mode: 'development', ...options })
  const outcomeOf = async (ownerId: string, options: Partial<AdoptKeysOptions> = {}) =>
    (await adopt(options)).find((outcome) => outcome.ownerId === ownerId)?.outcome
  const legacy = () => ({ legacyKey: new Uint8Array(Buffer.from(formerKey, 'hex')) })

  async function createUser(columns: SourceColumns): Promise<string> {
    const id = await createPerson(database, organization)
    await sql`update public.app_user set public_key = ${columns.publicKey},
      encrypted_private_key = ${columns.encryptedPrivateKey} where auth_user_id = ${id}::uuid`.execute(database.owner)
    return id
  }

  async function createCompany(columns: SourceColumns): Promise<string> {
    const { rows } = await sql<{ id: string }>`
      insert into public.company (organization_id, name, public_key, encrypted_private_key)
      values (${organization}::uuid, 'Fjord AS', ${columns.publicKey}, ${columns.encryptedPrivateKey}) returning id`.execute(
      database.owner,
    )
    return rows[0]?.id ?? ''
  }

  const select = async (query: ReturnType<typeof sql>) =>
    (await query.execute(database.owner)).rows as Record<string, string>[]
  const userRow = async (id: string) =>
    (
      await select(sql`select u.public_key, u.encrypted_private_key, k.id as key_id, k.state, k.thumbprint,
        k.encrypted_private_key is not distinct from u.encrypted_private_key as mirrored
        from public.app_user u left join public.user_key k on k.user_id = u.auth_user_id where u.auth_user_id = ${id}::uuid`)
    )[0] as Record<string, string>
  const digest = async () =>
    JSON.stringify(
      await select(sql`select (select jsonb_agg(to_jsonb(u) order by auth_user_id) from public.app_user u) as users,
        (select jsonb_agg(to_jsonb(k) order by id) from public.user_key k) as keys,
        (select jsonb_agg(to_jsonb(c) order by id) from public.company c) as companies,
        (select count(*) from nokkel.master_key_version) as versions, (select count(*) from nokkel.audit_log) as audited`),
    )

  it('says what it could adopt, and writes nothing', async () => {
    const id = await createUser(sourceColumns(testPrivateKeys[0], masterKey, 'base64'))
    const before = await digest()
    expect(await outcomeOf(id, { dryRun: true })).toBe('adoptable')
    expect(await digest()).toBe(before)
  })

  it.each(['base64', 'pem'] as const)('binds the key of a person, written as %s, to them', async (form) => {
    const id = await createUser(sourceColumns(testPrivateKeys[1], masterKey, form))
    expect(await outcomeOf(id)).toBe('adopted')
    const row = await userRow(id)
    expect(row).toMatchObject({ state: 'active', mirrored: true })
    expect(row.public_key).toBe(sourceColumns(testPrivateKeys[1], masterKey, 'base64').publicKey)

    const key = await importEnvelopeKey(new Uint8Array(Buffer.from(masterKey, 'hex')))
    const envelope = joinEnvelope(parseEncryptedPrivateKey(row.encrypted_private_key ?? ''))
    const opened = await decryptEnvelope(envelope, key, privateKeyContext('user', row.key_id ?? '', id))
    expect(Buffer.from(opened).toString('base64')).toBe(testPrivateKeys[1])

    expect(await outcomeOf(id)).toBeUndefined()
    expect(await userRow(id)).toEqual(row)
  })

  it('names the key of wraps that name none, of this owner and no other', async () => {
    const columns = () => sourceColumns(testPrivateKeys[2], masterKey, 'base64')
    const [person, company] = [await createUser(columns()), await createCompany(columns())]
    const other = await createUser({ publicKey: 'none', encryptedPrivateKey: 'none' })
    const [rfx] = await select(
      sql`insert into public.rfxs (organization_id) values (${organization}::uuid) returning id`,
    )
    await sql`insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key) values
      (${rfx?.id}::uuid, ${person}::uuid, 'x'), (${rfx?.id}::uuid, ${other}::uuid, 'x')`.execute(database.owner)
    await sql`insert into public.rfx_key_companies (rfx_id, company_id, encrypted_symmetric_key) values
      (${rfx?.id}::uuid, ${company}::uuid, 'x')`.execute(database.owner)
    await sql`insert into public.rfx_key_version (rfx_id, version) values (${rfx?.id}::uuid, 1)`.execute(database.owner)
    await sql`insert into public.rfx_key_history (rfx_id, version, user_id, company_id, encrypted_symmetric_key) values
      (${rfx?.id}::uuid, 1, ${person}::uuid, null, 'x'), (${rfx?.id}::uuid, 1, ${other}::uuid, null, 'x'),
      (${rfx?.id}::uuid, 1, null, ${company}::uuid, 'x')`.execute(database.owner)
    const outcomes = (await adopt()).filter(({ outcome }) => outcome === 'adopted')
    expect(outcomes).toContainEqual({ owner: 'user', ownerId: person, outcome: 'adopted', wraps: 2 })
    expect(outcomes).toContainEqual({ owner: 'company', ownerId: company, outcome: 'adopted', wraps: 2 })
    expect(
      await select(sql`select coalesce(u.user_id, c.company_id) as of_key, coalesce(h.user_id, h.company_id) as owner
        from public.rfx_key_history h left join public.user_key u on u.id = h.user_key_id
        left join public.company_key c on c.id = h.company_key_id where h.rfx_id = ${rfx?.id}::uuid`),
    ).toEqual(
      expect.arrayContaining([
        { of_key: person, owner: person },
        { of_key: null, owner: other },
        { of_key: company, owner: company },
      ]),
    )
    expect(
      await select(sql`select m.user_id, k.user_id as of_key from public.rfx_key_members m
        left join public.user_key k on k.id = m.key_id where m.rfx_id = ${rfx?.id}::uuid order by m.user_id = ${person}::uuid desc`),
    ).toEqual([
      { user_id: person, of_key: person },
      { user_id: other, of_key: null },
    ])
    expect(
      await select(sql`select c.encrypted_private_key = k.encrypted_private_key as mirrored from public.company c
        join public.company_key k on k.company_id = c.id and k.state = 'active'
        join public.rfx_key_companies w on w.key_id = k.id where c.id = ${company}::uuid`),
    ).toEqual([{ mirrored: true }])
    await sql`delete from public.app_user where auth_user_id = ${other}::uuid`.execute(database.owner)
  })

  it('opens with the former master key where one is given', async () => {
    const id = await createUser(sourceColumns(testPrivateKeys[3], formerKey, 'base64'))
    expect(await outcomeOf(id)).toBe('wrong_key')
    expect(await outcomeOf(id, legacy())).toBe('adopted')
  })

  const good = sourceColumns(testPrivateKeys[4], masterKey, 'base64')
  const small = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const smallPrivate = small.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecPrivate = ec.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
  const flip = (text: string) => {
    const blob = JSON.parse(text) as { data: string; iv: string }
    const data = Buffer.from(blob.data, 'base64')
    data[7] = (data[7] ?? 0) ^ 1
    return JSON.stringify({ ...blob, data: data.toString('base64') })
  }

  it.each([
    ['no JSON', { ...good, encryptedPrivateKey: '{' }, 'blob_malformed'],
    ['another form', { ...good, encryptedPrivateKey: '{"data":"AAAA"}' }, 'blob_malformed'],
    ['null', { ...good, encryptedPrivateKey: 'null' }, 'blob_malformed'],
    ['one bit changed', { ...good, encryptedPrivateKey: flip(good.encryptedPrivateKey) }, 'wrong_key'],
    ['another master key', sourceColumns(testPrivateKeys[4], formerKey, 'base64'), 'wrong_key'],
    [
      'an RSA key of 2048 bits',
      { ...good, encryptedPrivateKey: encryptLikeSource(smallPrivate, masterKey) },
      'key_unsupported',
    ],
    [
      'a key that is not RSA',
      { ...good, encryptedPrivateKey: encryptLikeSource(ecPrivate, masterKey) },
      'key_unsupported',
    ],
    ['no key at all', { ...good, encryptedPrivateKey: encryptLikeSource('hei', masterKey) }, 'key_unsupported'],
    [
      'another public key',
      { ...good, publicKey: sourceColumns(testPrivateKeys[0], masterKey, 'base64').publicKey },
      'public_key_mismatch',
    ],
    ['no public key', { ...good, publicKey: 'none' }, 'public_key_mismatch'],
  ] as const)('leaves %s as it is, records that, and goes on', async (_what, columns, problem) => {
    const [first, second] = [await createUser(columns), await createUser(good)]
    const outcomes = await adopt()
    expect(outcomes).toContainEqual({ owner: 'user', ownerId: first, outcome: problem, wraps: 0 })
    expect(outcomes).toContainEqual({ owner: 'user', ownerId: second, outcome: 'adopted', wraps: 0 })
    expect(await userRow(first)).toMatchObject({ encrypted_private_key: columns.encryptedPrivateKey, key_id: null })
    expect(
      await select(sql`select a.action, a.actor, a.outcome, a.problem from nokkel.audit_log a
        join nokkel.pseudonym p on p.pseudonym::text = a.subject_id where p.user_id = ${first}::uuid`),
    ).toEqual([{ action: 'keyring.adopt', actor: null, outcome: 'failed', problem }])
    expect(
      await select(sql`select a.action, a.actor, a.outcome, a.problem from nokkel.audit_log a
        join public.user_key k on k.id::text = a.subject_id where k.user_id = ${second}::uuid`),
    ).toEqual([{ action: 'keyring.adopt', actor: null, outcome: 'allowed', problem: null }])
    await sql`delete from public.app_user where auth_user_id = ${first}::uuid`.execute(database.owner)
  })

  it('does not take the place of a key that is active here, nor of one there was', async () => {
    const id = await createUser(good)
    expect(await outcomeOf(id)).toBe('adopted')
    const put = (columns: SourceColumns) =>
      sql`update public.app_user set public_key = ${columns.publicKey},
        encrypted_private_key = ${columns.encryptedPrivateKey} where auth_user_id = ${id}::uuid`.execute(database.owner)
    await put(sourceColumns(testPrivateKeys[5], masterKey, 'base64'))
    expect(await outcomeOf(id)).toBe('key_exists')
    await put(sourceColumns(testPrivateKeys[4], masterKey, 'pem'))
    expect(await outcomeOf(id)).toBe('key_reused')
    await sql`delete from public.app_user where auth_user_id = ${id}::uuid`.execute(database.owner)
  })

  it('goes on where it was stopped', async () => {
    const ids = [
      await createUser(good),
      await createUser(good),
      await createUser(good),
      await createUser(good),
      await createUser(good),
    ]
    let done = 0
    const stop = new Error('stopped')
    await expect(
      adopt({
        onOutcome: () => {
          if (++done === 2) throw stop
        },
      }),
    ).rejects.toBe(stop)
    const rest = (await adopt()).map(({ ownerId }) => ownerId)
    expect(rest.length).toBeGreaterThan(0)
    expect(rest.length).toBeLessThan(ids.length)
    for (const id of ids) expect(await userRow(id)).toMatchObject({ state: 'active', mirrored: true })
    expect(await adopt()).toEqual([])
  })

  it('refuses a keyring that is not the one of the database, and touches nothing', async () => {
    const id = await createUser(good)
    const before = await digest()
    const other = givenRootKeys({ masterKeys: [formerKey], indexKeys: ['00'.repeat(32)] })
    await expect(adopt({ rootKeys: other })).rejects.toThrow(/master key/)
    expect(await digest()).toBe(before)
    expect(await outcomeOf(id)).toBe('adopted')
  })
})

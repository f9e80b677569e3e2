import { randomUUID } from 'node:crypto'
import { people } from '@nokkel/sandbox'
import type { NokkelServerOptions } from '@nokkel/server'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSupabaseLikeDatabase } from '../../../../tests/rls/supabase.ts'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  arriveByBoth,
  countAccounts,
  forgetEverybody,
  suspicions,
  tryLogin,
  withoutNumber,
} from '../../../../tools/testing/linking.ts'
import { createLoginSystem, firstPerson, type LoginSystem } from '../../../../tools/testing/login.ts'

const databases = [
  ['pglite', () => createTestDatabase('pglite')],
  ['postgres', () => createTestDatabase('postgres')],
  ['supabase', createSupabaseLikeDatabase],
] as const

const kari = people.find(({ id }) => id === firstPerson) as (typeof people)[number]
const stranger = 'likeperson-medlem-2'
const issuer = 'https://project.supabase.example/auth/v1'

describe.each(databases)('accounts of Supabase [%s]', (engine, create) => {
  let database: TestDatabase
  let system: LoginSystem
  let without: LoginSystem
  let supabase: NonNullable<NokkelServerOptions['supabase']>
  let tokenOf: (id: string) => Promise<string>
  beforeAll(async () => {
    database = await create()
    await sql`create table auth.users (
        id uuid primary key, phone text unique, email text, phone_confirmed_at timestamptz, email_confirmed_at timestamptz,
        deleted_at timestamptz, is_anonymous boolean not null default false
      )`.execute(database.owner)
    if (engine === 'supabase') {
      await sql`alter table auth.users owner to supabase_auth_admin`.execute(database.owner)
      await sql`alter table auth.users enable row level security`.execute(database.owner)
      await sql`grant select on auth.users to project_owner`.execute(database.owner)
    }
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] }
    tokenOf = (id) =>
      new SignJWT({ role: 'authenticated', amr: [{ method: 'password', timestamp: Math.floor(Date.now() / 1000) }] })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(issuer)
        .setAudience('authenticated')
        .setSubject(id)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey)
    supabase = { issuer, jwks }
    system = await createLoginSystem(database, { supabase })
    without = await createLoginSystem(database)
  })
  beforeEach(async () => {
    await forgetEverybody(database)
    await sql`delete from auth.users`.execute(database.owner)
  })
  afterAll(async () => {
    await system.close()
    await without.close()
    await database.close()
  })

  async function register(changes: Record<string, unknown> = {}): Promise<string> {
    const row = {
      id: randomUUID(),
      phone: kari.phoneNumber,
      email: kari.email,
      phone_confirmed_at: '2026-01-01',
      email_confirmed_at: '2026-01-01',
      deleted_at: null,
      is_anonymous: false,
      ...changes,
    }
    await sql`insert into auth.users select * from json_populate_record(null::auth.users, ${JSON.stringify(row)}::json)`.execute(
      database.owner,
    )
    return row.id
  }
  const withToken = async (id: string) => ({ supabaseToken: await tokenOf(id) })

  it('keep their id at the first login with their token', async () => {
    const id = await register()
    const first = await tryLogin(system, 'bankid', { begin: await withToken(id) })
    expect(first.body).toMatchObject({ outcome: 'account_created', userId: id })
    expect((await tryLogin(system, 'bankid')).body).toMatchObject({ outcome: 'signed_in', userId: id })
    const second = await tryLogin(system, 'vipps', { person: withoutNumber(), begin: await withToken(id) })
    expect(second.body).toMatchObject({ outcome: 'identity_linked', userId: id })
    expect(await countAccounts(database)).toBe(1)
  })

  it('are one account when two logins begin with the token at the same time', async () => {
    const begin = await withToken(await register())
    const answers = await Promise.all([
      tryLogin(system, 'bankid', { begin }),
      tryLogin(system, 'vipps', { person: withoutNumber(), begin }),
    ])
    expect(answers.map(({ body }) => body.outcome).sort()).toEqual(['account_created', 'identity_linked'])
    expect(await countAccounts(database)).toBe(1)
  })

  it('do not get a login of another account, which is noted', async () => {
    const id = await register()
    await tryLogin(system, 'vipps', { person: withoutNumber(), begin: await withToken(id) })
    const other = await system.logIn('bankid')
    const refused = await tryLogin(system, 'bankid', { begin: await withToken(id) })
    expect(refused).toMatchObject({ status: 409, body: { code: 'login_of_other_account' } })
    expect(await suspicions(database)).toEqual([{ evidence: 'both_logins', pair: [id, other.userId].sort() }])
  })

  it('are made when a login turns out to be of another account, so that both can be merged', async () => {
    const { userId } = await system.logIn('bankid')
    const id = await register()
    const begin = await withToken(id)
    for (let time = 0; time < 2; time++) {
      const refused = await tryLogin(system, 'bankid', { begin })
      expect(refused).toMatchObject({ status: 409, body: { code: 'login_of_other_account' } })
      expect(refused.body.tokens).toBeUndefined()
    }
    expect(await suspicions(database)).toEqual([{ evidence: 'both_logins', pair: [id, userId].sort() }])
    const { rows } = await sql`
      select u.name, m.role, m.organization_id as organization from public.app_user u
      join public.organization_member m on m.user_id = u.auth_user_id where u.auth_user_id = ${id}::uuid`.execute(
      database.owner,
    )
    const name = `${kari.givenName} ${kari.familyName}`
    expect(rows).toEqual([{ name, role: 'member', organization: system.organizationId }])
    expect((await tryLogin(system, 'bankid')).body).toMatchObject({ outcome: 'signed_in', userId })
  })

  it('are made without a membership in an organisation that invites', async () => {
    const closed = await createLoginSystem(database, { supabase, enrollment: 'invited' })
    const { userId } = await system.logIn('bankid')
    const id = await register()
    const refused = await tryLogin(closed, 'bankid', { begin: await withToken(id) })
    expect(refused.body.code).toBe('login_of_other_account')
    expect(await suspicions(database)).toEqual([{ evidence: 'both_logins', pair: [id, userId].sort() }])
    const { rows } = await sql`select from public.organization_member where user_id = ${id}::uuid`.execute(
      database.owner,
    )
    expect(rows).toEqual([])
    await closed.close()
  })

  it('do not get a personnummer of another account, which is noted', async () => {
    const other = await system.logIn('bankid')
    const id = await register()
    const { nationalNumber = null } = kari
    const person = { id: stranger, nationalNumber }
    const refused = await tryLogin(system, 'vipps', { person, begin: await withToken(id) })
    expect(refused.body.code).toBe('login_of_other_account')
    expect(await suspicions(database)).toEqual([{ evidence: 'both_logins', pair: [id, other.userId].sort() }])
    expect(await countAccounts(database)).toBe(2)
  })

  it('are never those of two people', async () => {
    const id = await register()
    await tryLogin(system, 'bankid', { begin: await withToken(id) })
    for (const _ of ['unknown', 'known']) {
      const refused = await tryLogin(system, 'vipps', { person: stranger, begin: await withToken(id) })
      expect(refused).toMatchObject({ status: 409, body: { code: 'login_other_person' } })
      await system.logIn('bankid', stranger)
    }
    expect(await suspicions(database)).toEqual([])
  })

  it('are never those of two BankIDs, whom no number tells apart', async () => {
    const id = await register()
    await tryLogin(system, 'bankid', { person: withoutNumber(), begin: await withToken(id) })
    for (const _ of ['unknown', 'known']) {
      const again = { person: withoutNumber(stranger), begin: await withToken(id) }
      expect((await tryLogin(system, 'bankid', again)).body.code).toBe('login_other_person')
      await tryLogin(system, 'bankid', { person: withoutNumber(stranger) })
    }
    expect(await suspicions(database)).toEqual([])
  })

  it('get back a login that was removed, with their token', async () => {
    const userId = await arriveByBoth(system)
    await register({ id: userId })
    const { rows } = await sql<{ subject: string }>`
      delete from public.external_identity where provider = 'vipps' returning subject`.execute(database.owner)
    await sql`insert into nokkel.removed_login (provider, client_id, subject, user_id)
      values ('vipps', ${`${system.organization}-vipps`}, ${rows[0]?.subject}, ${userId}::uuid)`.execute(database.owner)
    expect((await tryLogin(system, 'vipps')).body.linking.ways).toEqual(['bankid', 'supabase'])
    const answer = await tryLogin(system, 'vipps', { begin: await withToken(userId) })
    expect(answer.body).toMatchObject({ outcome: 'identity_linked', userId })
    expect((await sql`select from nokkel.removed_login`.execute(database.owner)).rows).toEqual([])
  })

  it('take a new number of their person, who has shown the same login', async () => {
    const id = await register()
    await tryLogin(system, 'bankid', { begin: await withToken(id) })
    const nationalNumber = people.find((person) => person.id === stranger)?.nationalNumber ?? ''
    const again = { person: { id: firstPerson, nationalNumber }, begin: await withToken(id) }
    expect((await tryLogin(system, 'bankid', again)).body).toMatchObject({ outcome: 'signed_in', userId: id })
  })

  it('are those that they were merged into', async () => {
    const id = await register()
    const { userId } = await system.logIn('bankid')
    await sql`insert into public.app_user (auth_user_id, name) values (${id}::uuid, 'Kari')`.execute(database.owner)
    await sql`insert into nokkel.former_account (user_id, survivor_id) values (${id}::uuid, ${userId}::uuid)`.execute(
      database.owner,
    )
    const answer = await tryLogin(system, 'vipps', { person: withoutNumber(), begin: await withToken(id) })
    expect(answer.body).toMatchObject({ outcome: 'identity_linked', userId })
  })

  it('are not believed without a token that is right, nor where none is taken', async () => {
    const id = await register()
    const forged = `${(await tokenOf(id)).slice(0, -6)}AAAAAA`
    await expect(system.begin('bankid', { supabaseToken: forged })).rejects.toThrow('401 supabase_token_invalid')
    await expect(without.begin('bankid', await withToken(id))).rejects.toThrow('401 supabase_token_invalid')
    await expect(system.begin('bankid', { supabaseToken: 'x' })).rejects.toThrow('400 request_malformed')
  })

  it('do not come back with the id of somebody who was erased: whoever logs in again is somebody new', async () => {
    const id = await register()
    const begin = await withToken(id)
    const first = await tryLogin(system, 'bankid', { begin })
    expect(first.body.userId).toBe(id)
    // One login is on its way while the person is erased, one comes after it.
    const begun = await system.begin('vipps', begin)
    const callback = await system.visit(begun, { person: withoutNumber() })
    await sql`update nokkel.login_attempt set supabase_user_id = null where supabase_user_id = ${id}::uuid`.execute(
      database.owner,
    )
    const { accessToken: token } = first.body.tokens
    const erased = await system.request('POST', '/nokkel/me/erasure', {
      token,
      signing: first.signing,
      body: { confirm: 'erase' },
    })
    expect(erased.status).toBe(200)
    await sql`update nokkel.login_attempt set supabase_user_id = ${id}::uuid where id = ${begun.loginId}::uuid`.execute(
      database.owner,
    )
    expect(await system.complete(begun, callback)).toMatchObject({
      status: 401,
      body: { code: 'supabase_token_invalid' },
    })
    await expect(system.begin('bankid', begin)).rejects.toThrow('401 supabase_token_invalid')
    const again = await tryLogin(system, 'bankid')
    expect(again.body).toMatchObject({ outcome: 'account_created' })
    expect(again.body.userId).not.toBe(id)
    // Nor are they asked to show that they are who is no more.
    await forgetEverybody(database)
    const vipps = await tryLogin(system, 'vipps', { person: withoutNumber() })
    expect(vipps.body).toMatchObject({ outcome: 'account_created' })
    expect(await countAccounts(database)).toBe(1)
  })

  it('are found by a confirmed phone number and e-mail address, and are for their person to show', async () => {
    const id = await register({ email: kari.email.toUpperCase() })
    const waiting = await tryLogin(system, 'vipps', { person: withoutNumber() })
    expect(waiting.body).toMatchObject({ outcome: 'needs_linking', linking: { ways: ['supabase'] } })
    expect(await countAccounts(database)).toBe(0)
    const { token: linkToken } = waiting.body.linking
    const wrong = { linkToken, supabaseToken: await tokenOf(randomUUID()) }
    const { signing } = waiting
    const again = { person: withoutNumber(), signing }
    expect((await tryLogin(system, 'vipps', { ...again, begin: wrong })).body.code).toBe('login_link_mismatch')
    expect((await tryLogin(system, 'bankid', { signing, begin: { linkToken } })).body.code).toBe('login_link_mismatch')
    expect(await countAccounts(database)).toBe(0)
    const begin = { linkToken, ...(await withToken(id)) }
    expect((await tryLogin(system, 'vipps', { ...again, begin })).body).toMatchObject({
      outcome: 'identity_linked',
      userId: id,
    })
    expect((await tryLogin(system, 'vipps', { person: withoutNumber() })).body.userId).toBe(id)
    expect(await countAccounts(database)).toBe(1)
  })

  it('are shown by their token alone, too', async () => {
    const id = await register()
    const waiting = await tryLogin(system, 'vipps', { person: withoutNumber() })
    expect(waiting.body.outcome).toBe('needs_linking')
    const answer = await tryLogin(system, 'vipps', { person: withoutNumber(), begin: await withToken(id) })
    expect(answer.body).toMatchObject({ outcome: 'account_created', userId: id })
    const linkToken = waiting.body.linking.token
    const { signing } = waiting
    const continued = await system.request('POST', '/nokkel/login/continue', { body: { linkToken }, signing })
    expect(continued.body).toMatchObject({ outcome: 'signed_in', userId: id })
  })

  it('are shown by another way, too, where they have one', async () => {
    const userId = await arriveByBoth(without)
    await register({ id: userId })
    const { body } = await tryLogin(system, 'vipps', { person: withoutNumber() })
    expect(body.linking.ways).toEqual(['bankid', 'supabase'])
  })

  it('are noted where nobody can show them', async () => {
    const id = await register()
    const nobody = await tryLogin(without, 'vipps', { person: withoutNumber() })
    expect(nobody.body.outcome).toBe('account_created')
    expect(await suspicions(database)).toEqual([])
    await forgetEverybody(database)
    await sql`insert into public.app_user (auth_user_id, name) values (${id}::uuid, 'Kari')`.execute(database.owner)
    const { body } = await tryLogin(without, 'vipps', { person: withoutNumber() })
    expect(await suspicions(database)).toEqual([{ evidence: 'phone_and_email', pair: [id, body.userId].sort() }])
  })

  it.each([
    ['a phone number that is not confirmed', { phone_confirmed_at: null }],
    ['an e-mail address that is not confirmed', { email_confirmed_at: null }],
    ['another phone number', { phone: '4747009999' }],
    ['another e-mail address', { email: 'else@person.example' }],
    ['nobody any more', { deleted_at: '2026-01-02' }],
    ['nobody yet', { is_anonymous: true }],
  ])('are not found by %s', async (_, changes) => {
    await register(changes)
    expect((await tryLogin(system, 'vipps', { person: withoutNumber() })).body.outcome).toBe('account_created')
  })
})

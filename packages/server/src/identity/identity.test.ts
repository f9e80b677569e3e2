import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { forgetEverybody, recorded, tryLogin } from '../../../../tools/testing/linking.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'
import { enter, personalDataOf, type Session } from '../../../../tools/testing/personal-data.ts'

const stranger = 'likeperson-medlem-2'

describe.each(databaseEngines)('the identity of a person [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let data: ReturnType<typeof personalDataOf>
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    data = personalDataOf(system)
  })
  beforeEach(() => forgetEverybody(database))
  afterAll(async () => {
    await system.close()
    await database.close()
  })
  const put = (session: Session, body: unknown) => data.ask(session, 'PUT', '/nokkel/me/identity', body)
  const mark = (session: Session) => data.ask(session, 'POST', '/nokkel/me/identity/bankid')
  const subjects = async () =>
    (
      await sql<{ subject: string }>`
        select subject from public.external_identity where provider = 'vipps' order by created_at`.execute(
        database.owner,
      )
    ).rows.map(({ subject }) => subject)
  /** As PostgREST calls it: as `authenticated`, with the claims of a token. */
  const rpc = (claims: object | undefined, target: string, role = 'authenticated') =>
    database.owner
      .transaction()
      .execute(async (transaction) => {
        await sql`set local role ${sql.id(role)}`.execute(transaction)
        await sql`select set_config('request.jwt.claims', ${claims ? JSON.stringify(claims) : ''}, true)`.execute(
          transaction,
        )
        await sql`select public.mark_bankid_verified(target_user_id => ${target}::uuid)`.execute(transaction)
      })
      .then(
        () => 'done',
        ({ code, message }: { code: string; message: string }) => (code === 'NK001' ? message : code),
      )

  it('is what a login by BankID made it', async () => {
    const session = await enter(system, 'bankid')
    const { userId } = session
    expect(await data.identity(session)).toEqual({
      id: expect.any(String),
      userId,
      personnummer: null,
      personnummerSource: null,
      personnummerVerified: true,
      bankidVerified: true,
      bankidVerifiedAt: expect.any(String),
      vippsSub: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
  })

  it('names the subject of the newest login by Vipps, and none when the last is gone', async () => {
    const elsewhere = await createLoginSystem(database)
    try {
      await enter(system, 'bankid')
      await enter(system, 'vipps')
      const session = await enter(system, 'bankid')
      const [first] = await subjects()
      expect((await data.identity(session)).vippsSub).toBe(first)
      await enter(elsewhere, 'vipps')
      const [, second] = await subjects()
      expect(second).not.toBe(first)
      expect((await data.identity(session)).vippsSub).toBe(second)
      await enter(system, 'vipps')
      expect((await data.identity(session)).vippsSub).toBe(first)
      await sql`delete from public.external_identity where subject = ${first}`.execute(database.owner)
      expect((await data.identity(session)).vippsSub).toBe(second)
      await sql`delete from public.external_identity where subject = ${second}`.execute(database.owner)
      expect((await data.identity(session)).vippsSub).toBeNull()
    } finally {
      await elsewhere.close()
    }
  })

  it('is nothing where there is none, and made once it is asked for', async () => {
    const session = await enter(system, 'vipps')
    await sql`delete from public.user_identities`.execute(database.owner)
    expect(await data.identity(session)).toBeNull()
    const made = await put(session, { userId: session.userId })
    expect(made).toMatchObject({ status: 200, body: { userId: session.userId, bankidVerified: false } })
    expect(made.body.vippsSub).toBe((await subjects())[0])
    const again = await put(session, { userId: session.userId })
    expect(again.body).toMatchObject({ id: made.body.id, createdAt: made.body.createdAt })
    expect(again.body.updatedAt > made.body.updatedAt).toBe(true)
  })

  it('is nobody else’s to make or read', async () => {
    const [session, other] = [await enter(system, 'vipps'), await enter(system, 'bankid', { person: stranger })]
    expect(await put(session, { userId: other.userId })).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect((await data.identity(session)).userId).toBe(session.userId)
    expect((await data.identity(other)).userId).toBe(other.userId)
    for (const body of [{}, { userId: 'x' }, { userId: session.userId, bankidVerified: true }]) {
      expect((await put(session, body)).body.code).toBe('request_malformed')
    }
    for (const [method, path] of [
      ['GET', '/nokkel/me/identity'],
      ['POST', '/nokkel/me/identity/bankid'],
      ['GET', '/nokkel/me/personnummer'],
      ['GET', '/nokkel/identity-key'],
      ['GET', '/nokkel/me/consents'],
    ] as const) {
      expect((await system.request(method, path)).body.code, path).toBe('token_missing')
    }
  })

  it('is verified by BankID only in a session that came from there', async () => {
    const session = await enter(system, 'vipps')
    expect(await mark(session)).toMatchObject({ status: 403, body: { code: 'bankid_login_required' } })
    expect((await data.identity(session)).bankidVerified).toBe(false)
    expect((await recorded(database)).at(-1)).toEqual({ action: 'identity.bankid', problem: 'bankid_login_required' })
    const { body, signing } = await tryLogin(system, 'bankid')
    const token = body.tokens.accessToken
    await sql`update public.user_identities set bankid_verified = false, bankid_verified_at = null`.execute(
      database.owner,
    )
    const claims = { ...session.claims, sub: body.userId, sid: body.tokens.sessionId }
    const bankid: Session = { userId: body.userId, token, claims, signing }
    const marked = await mark(bankid)
    expect(marked).toMatchObject({ status: 200, body: { bankidVerified: true, bankidVerifiedAt: expect.any(String) } })
    expect((await mark(bankid)).body).toEqual(marked.body)
  })

  it('is marked through PostgREST only by its person, in a live session from BankID', async () => {
    const [bankid, vipps] = [await enter(system, 'bankid'), await enter(system, 'vipps', { person: stranger })]
    await sql`update public.user_identities set bankid_verified = false, bankid_verified_at = null`.execute(
      database.owner,
    )
    expect(await rpc(vipps.claims, vipps.userId)).toBe('bankid_login_required')
    expect(await rpc(vipps.claims, bankid.userId)).toBe('forbidden')
    expect(await rpc(bankid.claims, vipps.userId)).toBe('forbidden')
    expect(await rpc({ ...vipps.claims, sub: bankid.userId }, bankid.userId)).toBe('session_ended')
    expect(await rpc({ ...vipps.claims, sid: bankid.claims.sid }, vipps.userId)).toBe('session_ended')
    expect(await rpc({ sub: bankid.userId, role: 'authenticated' }, bankid.userId)).toBe('session_ended')
    expect(await rpc(undefined, bankid.userId)).toBe('session_ended')
    for (const role of ['anon', 'service_role', 'nokkel_server']) {
      expect(await rpc(bankid.claims, bankid.userId, role), role).toBe('42501')
    }
    const flags = () =>
      sql`select bankid_verified from public.user_identities where bankid_verified`.execute(database.owner)
    expect((await flags()).rows).toEqual([])
    expect(await rpc(bankid.claims, bankid.userId)).toBe('done')
    expect((await flags()).rows).toHaveLength(1)
  })

  it.each(['anon', 'authenticated', 'service_role', 'nokkel_server'])('cannot be changed by %s', async (role) => {
    const session = await enter(system, 'bankid')
    for (const change of [
      'bankid_verified = true',
      'bankid_verified_at = now()',
      'vipps_sub = null',
      'personnummer = null',
      "personnummer_source = 'bankid'",
    ]) {
      const changed = database.owner.transaction().execute(async (transaction) => {
        await sql`set local role ${sql.id(role)}`.execute(transaction)
        await sql`select set_config('request.jwt.claims', ${JSON.stringify(session.claims)}, true)`.execute(transaction)
        await sql`update public.user_identities set ${sql.raw(change)}`.execute(transaction)
      })
      await expect(changed, change).rejects.toMatchObject({ code: '42501' })
    }
  })
})

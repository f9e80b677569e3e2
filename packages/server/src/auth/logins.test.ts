import { people } from '@nokkel/sandbox'
import type { Provider } from '@nokkel/server'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  arriveByBoth,
  countAccounts,
  forgetEverybody,
  recorded,
  suspicions,
  tryLogin,
  withoutNumber,
} from '../../../../tools/testing/linking.ts'
import {
  type Answer,
  consentTo,
  createLoginSystem,
  firstPerson,
  type LoginSystem,
} from '../../../../tools/testing/login.ts'

const kari = people.find(({ id }) => id === firstPerson) as (typeof people)[number]
const stranger = 'likeperson-medlem-2'

describe.each(databaseEngines)('the logins of an account [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let elsewhere: LoginSystem
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    elsewhere = await createLoginSystem(database)
  })
  beforeEach(() => forgetEverybody(database))
  afterAll(async () => {
    await system.close()
    await elsewhere.close()
    await database.close()
  })

  interface Session {
    readonly userId: string
    readonly token: string
    readonly sessionId: string
  }
  type Person = Parameters<LoginSystem['visit']>[1]

  async function enter(
    provider: Provider,
    person: Exclude<Person, undefined>['person'] = firstPerson,
  ): Promise<Session> {
    const { status, body } = await tryLogin(system, provider, person === undefined ? {} : { person })
    expect(status).toBe(200)
    return { userId: body.userId, token: body.tokens.accessToken, sessionId: body.tokens.sessionId }
  }
  /** What the client keeps of a link that it begins, as of a login. */
  async function beginLink({ token }: Session, provider: Provider) {
    const login = await system.begin(provider)
    const { state, nonce, codeVerifier } = login
    const codeChallenge = Buffer.from(
      await crypto.subtle.digest('SHA-256', new TextEncoder().encode(codeVerifier)),
    ).toString('base64url')
    const body = { provider, state, nonce, codeChallenge, consent: consentTo(provider) }
    const answer = await system.request('POST', '/nokkel/me/logins', { token, body })
    return { answer, login: { ...login, ...answer.body } as typeof login }
  }
  const completeLink = (
    { token }: Session,
    { provider, loginId, nonce, codeVerifier }: Awaited<ReturnType<typeof beginLink>>['login'],
    callback: string,
  ): Promise<Answer> => {
    const body = { loginId, provider, organization: system.organization, callback, codeVerifier, nonce }
    return system.request('POST', '/nokkel/me/logins/complete', { token, body })
  }
  async function link(session: Session, provider: Provider, options: Person = {}): Promise<Answer> {
    const { answer, login } = await beginLink(session, provider)
    expect(answer.status).toBe(201)
    return completeLink(session, login, await system.visit(login, options))
  }
  const list = async ({ token }: Session) => (await system.request('GET', '/nokkel/me/logins', { token })).body
  const remove = ({ token }: Session, id: string) => system.request('DELETE', `/nokkel/me/logins/${id}`, { token })
  const idOf = async (session: Session, provider: Provider): Promise<string> =>
    (await list(session)).logins.find((login: { provider: string }) => login.provider === provider)?.id
  const age = ({ sessionId }: Session, seconds: number) =>
    sql`update nokkel.session set authenticated_at = now() - ${seconds}::integer * interval '1 second'
      where id = ${sessionId}::uuid`.execute(database.owner)

  it('are listed with what came with them', async () => {
    await system.logIn('bankid')
    const session = await enter('vipps')
    const { logins, contact } = await list(session)
    expect(logins).toEqual([
      {
        id: expect.any(String),
        provider: 'bankid',
        linkedAt: expect.any(String),
        lastLoginAt: expect.any(String),
        current: false,
        organization: null,
      },
      expect.objectContaining({ provider: 'vipps', current: true, organization: system.organization }),
    ])
    expect(contact).toEqual({
      phoneNumber: `+${kari.phoneNumber}`,
      email: kari.email,
      address: { street: 'Prøvegata 12, H0302', postalCode: '0603', place: 'OSLO', country: 'NO' },
      updatedAt: expect.any(String),
    })
  })

  it('are for the person alone', async () => {
    await arriveByBoth(system)
    const other = await enter('bankid', stranger)
    expect(await list(other)).toMatchObject({ logins: [{ provider: 'bankid' }], contact: null })
    expect((await list({ ...other, token: 'x' })).code).toBe('token_invalid')
  })

  it('get another one, which then logs in to the account', async () => {
    const session = await enter('bankid')
    const linked = await link(session, 'vipps', { person: withoutNumber() })
    expect(linked).toMatchObject({ status: 200, body: { outcome: 'identity_linked', personnummer: 'verified' } })
    expect(linked.body.id).toBe(await idOf(session, 'vipps'))
    const { logins, contact } = await list(session)
    expect(logins[1]).toMatchObject({ provider: 'vipps', lastLoginAt: null, current: false })
    expect(contact.email).toBe(kari.email)
    expect(await enter('vipps', withoutNumber())).toMatchObject({ userId: session.userId })
    expect((await recorded(database)).map(({ action }) => action)).toContain('login.link')
  })

  it('fill in the number that Vipps never gave, with a BankID', async () => {
    const session = await enter('vipps', withoutNumber())
    expect((await link(session, 'bankid')).body).toMatchObject({ outcome: 'identity_linked', personnummer: 'verified' })
    const { rows } = await sql`
      select personnummer_verified, bankid_verified from public.user_identities`.execute(database.owner)
    expect(rows).toEqual([{ personnummer_verified: true, bankid_verified: true }])
  })

  it('stay when the one to add is there already', async () => {
    const session = await enter('bankid')
    const linked = await link(session, 'bankid')
    expect(linked.body).toMatchObject({ outcome: 'already_linked', id: await idOf(session, 'bankid') })
    expect((await list(session)).logins).toHaveLength(1)
  })

  it('do not get that of another account, which is noted', async () => {
    const other = await enter('vipps', withoutNumber())
    const session = await enter('bankid')
    const refused = await link(session, 'vipps', { person: withoutNumber() })
    expect(refused).toMatchObject({ status: 409, body: { code: 'login_of_other_account' } })
    const pair = [session.userId, other.userId].sort()
    expect(await suspicions(database)).toEqual([{ evidence: 'both_logins', pair }])
    expect((await list(session)).logins).toHaveLength(1)
    expect(JSON.stringify(refused.body)).not.toContain(other.userId)
    expect((await recorded(database)).slice(-2)).toEqual([
      { action: 'login.consent', problem: null },
      { action: 'login.link', problem: 'login_of_other_account' },
    ])
  })

  it('do not get one whose personnummer stands with another account', async () => {
    const other = await enter('bankid')
    const session = await enter('vipps', withoutNumber(stranger))
    const { nationalNumber } = kari
    await sql`delete from public.external_identity where user_id = ${other.userId}::uuid`.execute(database.owner)
    const refused = await link(session, 'bankid', { person: { id: 'fjordhjelpen-medlem-1', nationalNumber } })
    expect(refused.body.code).toBe('login_of_other_account')
    const pair = [session.userId, other.userId].sort()
    expect(await suspicions(database)).toEqual([{ evidence: 'both_logins', pair }])
  })

  it('are never those of two people', async () => {
    await enter('bankid', stranger)
    const session = await enter('bankid')
    for (const person of [stranger, 'fjordhjelpen-medlem-1']) {
      const refused = await link(session, 'vipps', { person })
      expect(refused).toMatchObject({ status: 409, body: { code: 'login_other_person' } })
    }
    expect((await list(session)).logins).toHaveLength(1)
    expect(await suspicions(database)).toEqual([])
  })

  it('do not get the BankID of another person, whom no number tells from them', async () => {
    const session = await enter('bankid', withoutNumber())
    for (const person of [withoutNumber(stranger), stranger]) {
      const refused = await link(session, 'bankid', { person })
      expect(refused).toMatchObject({ status: 409, body: { code: 'login_other_person' } })
    }
    const other = await enter('bankid', withoutNumber(stranger))
    expect(other.userId).not.toBe(session.userId)
    expect((await link(session, 'bankid', { person: withoutNumber(stranger) })).body.code).toBe('login_other_person')
    expect((await list(session)).logins).toHaveLength(1)
    expect(await suspicions(database)).toEqual([])
  })

  it('get a new BankID of the same verified number, and go on as before', async () => {
    const session = await enter('bankid')
    const { nationalNumber } = kari
    const renewed = await link(session, 'bankid', { person: { id: stranger, nationalNumber } })
    expect(renewed.body).toMatchObject({ outcome: 'identity_linked', personnummer: 'verified' })
    expect((await link(session, 'vipps', { person: withoutNumber() })).body.outcome).toBe('identity_linked')
    expect(await enter('bankid', withoutNumber(stranger))).toMatchObject({ userId: session.userId })
  })

  it('are apart in a family that shares phone and e-mail', async () => {
    const { phoneNumber, email } = kari
    const mine = await enter('bankid', withoutNumber())
    expect((await link(mine, 'vipps', { person: withoutNumber() })).body.outcome).toBe('identity_linked')
    const theirs = await enter('bankid', withoutNumber(stranger))
    expect(theirs.userId).not.toBe(mine.userId)
    const shared = { ...withoutNumber(stranger), phoneNumber, email }
    expect((await link(theirs, 'vipps', { person: shared })).body.outcome).toBe('identity_linked')
    expect(await enter('vipps', shared)).toMatchObject({ userId: theirs.userId })
    expect(await enter('vipps', withoutNumber())).toMatchObject({ userId: mine.userId })
    expect(await suspicions(database)).toEqual([])
  })

  it('get another one only soon after a login', async () => {
    const session = await enter('bankid')
    await age(session, 301)
    expect((await beginLink(session, 'vipps')).answer).toMatchObject({ status: 403, body: { code: 'login_too_old' } })
    await age(session, 299)
    expect((await beginLink(session, 'vipps')).answer.status).toBe(201)
  })

  it('get another one only in the session that began it', async () => {
    const [mine, second, theirs] = [await enter('bankid'), await enter('bankid'), await enter('bankid', stranger)]
    const { login } = await beginLink(mine, 'vipps')
    const callback = await system.visit(login)
    for (const session of [second, theirs]) {
      expect((await completeLink(session, login, callback)).body.code).toBe('login_unknown')
    }
    expect((await completeLink({ ...mine, token: 'x' }, login, callback)).status).toBe(401)
    expect((await completeLink(mine, login, callback)).body.outcome).toBe('identity_linked')
    expect((await completeLink(mine, login, callback)).body.code).toBe('login_unknown')
    expect((await list(theirs)).logins).toHaveLength(1)
  })

  it('get nothing from a session that has ended meanwhile', async () => {
    const session = await enter('bankid')
    const { login } = await beginLink(session, 'vipps')
    const callback = await system.visit(login)
    await sql`update nokkel.session set ended_at = now(), ended_reason = 'signed_out'
      where id = ${session.sessionId}::uuid`.execute(database.owner)
    expect((await completeLink(session, login, callback)).body.code).toBe('session_ended')
    expect((await beginLink(session, 'vipps')).answer.body.code).toBe('session_ended')
    const { rows } = await sql`select from public.external_identity`.execute(database.owner)
    expect(rows).toHaveLength(1)
  })

  it('do not get what was begun as a login, and no login comes of what was begun as a link', async () => {
    const session = await enter('bankid')
    const plain = await system.begin('vipps')
    const callback = await system.visit(plain)
    expect((await completeLink(session, plain, callback)).body.code).toBe('login_unknown')
    expect((await system.complete(plain, callback)).status).toBe(200)

    const { login } = await beginLink(session, 'vipps')
    const linkCallback = await system.visit(login)
    expect((await system.complete(login, linkCallback)).body.code).toBe('login_unknown')
    expect((await completeLink(session, login, linkCallback)).status).toBe(200)
  })

  it('lose one, and the sessions that came from it', async () => {
    await enter('bankid')
    const [gone, session] = [await enter('vipps'), await enter('bankid')]
    const id = await idOf(session, 'vipps')
    expect(await remove(session, id)).toMatchObject({ status: 204 })
    expect((await list(session)).logins).toMatchObject([{ provider: 'bankid' }])
    expect((await list(gone)).code).toBe('session_ended')
    expect((await remove(session, id)).body.code).toBe('not_found')
  })

  describe('of which one was removed', () => {
    /** Somebody who came by both, and removed their Vipps. */
    async function withoutVipps(): Promise<Session> {
      await arriveByBoth(system)
      const session = await enter('bankid')
      expect((await remove(session, await idOf(session, 'vipps'))).status).toBe(204)
      return session
    }
    const comeBack = (signing?: CryptoKeyPair, at = system) => tryLogin(at, 'vipps', signing ? { signing } : {})
    const told = () =>
      sql`select phone_index, email_index, contact_index_key, contact, contact_updated_at
        from public.user_identities where phone_index is not null or email_index is not null
          or contact_index_key is not null or contact is not null or contact_updated_at is not null`
        .execute(database.owner)
        .then(({ rows }) => rows.length)

    it('do not get it back by the number alone, but by another way', async () => {
      const { userId } = await withoutVipps()
      const waiting = await comeBack()
      expect(waiting.body).toMatchObject({ outcome: 'needs_linking', linking: { ways: ['bankid'] } })
      expect(JSON.stringify(waiting.body)).not.toContain(userId)
      const { signing } = waiting
      const begin = { linkToken: waiting.body.linking.token }
      expect((await tryLogin(system, 'bankid', { signing, begin })).body).toMatchObject({
        outcome: 'identity_linked',
        userId,
      })
      expect((await comeBack()).body).toMatchObject({ outcome: 'signed_in', userId })
      expect((await comeBack(undefined, elsewhere)).body).toMatchObject({ outcome: 'identity_linked', userId })
      expect(await suspicions(database)).toEqual([])
    })

    it('do not get it back from who has it and no other way: they get an account of their own, which is noted', async () => {
      const { userId } = await withoutVipps()
      const { body, signing } = await comeBack()
      const linkToken = body.linking.token
      const continued = await system.request('POST', '/nokkel/login/continue', { body: { linkToken }, signing })
      expect(continued.body.outcome).toBe('account_created')
      expect(continued.body.userId).not.toBe(userId)
      const pair = [userId, continued.body.userId].sort()
      expect(await suspicions(database)).toEqual([{ evidence: 'personnummer', pair }])
      expect((await comeBack()).body).toMatchObject({ outcome: 'signed_in', userId: continued.body.userId })
    })

    it('do not get the same Vipps by another organisation either, until it is added again', async () => {
      const session = await withoutVipps()
      const { userId } = session
      expect((await comeBack(undefined, elsewhere)).body.outcome).toBe('needs_linking')
      expect((await link(session, 'vipps')).body.outcome).toBe('identity_linked')
      expect((await comeBack(undefined, elsewhere)).body).toMatchObject({ outcome: 'identity_linked', userId })
    })

    it('are not shown to be somebody’s by it', async () => {
      await arriveByBoth(system)
      const waiting = await tryLogin(elsewhere, 'vipps', { person: withoutNumber() })
      expect(waiting.body.linking.ways).toEqual(['bankid'])
      const session = await enter('vipps')
      expect((await remove(session, await idOf(session, 'bankid'))).status).toBe(204)
      const { signing } = waiting
      const confirm = () => tryLogin(elsewhere, 'bankid', { signing, begin: { linkToken: waiting.body.linking.token } })
      expect((await confirm()).body.code).toBe('login_link_mismatch')
      expect((await list(session)).logins).toHaveLength(1)
      expect((await tryLogin(system, 'bankid')).body).toMatchObject({ linking: { ways: ['vipps'] } })
    })

    it('leave who has it an account of its own at once, where no other way works', async () => {
      const session = await enter('vipps')
      expect((await comeBack(undefined, elsewhere)).body.userId).toBe(session.userId)
      const other = (await list(session)).logins.find(({ current }: { current: boolean }) => !current)
      expect((await remove(session, other.id)).status).toBe(204)
      const { body } = await comeBack(undefined, elsewhere)
      expect(body.outcome).toBe('account_created')
      const pair = [session.userId, body.userId].sort()
      expect(await suspicions(database)).toEqual([{ evidence: 'personnummer', pair }])
    })

    it('keep what Vipps told until the last Vipps is gone', async () => {
      const session = await enter('bankid')
      await comeBack()
      await comeBack(undefined, elsewhere)
      const ids: string[] = (await list(session)).logins
        .filter(({ provider }: { provider: string }) => provider === 'vipps')
        .map(({ id }: { id: string }) => id)
      expect(ids).toHaveLength(2)
      await remove(session, ids[0] ?? '')
      expect((await list(session)).contact.email).toBe(kari.email)
      await remove(session, ids[1] ?? '')
      expect((await list(session)).contact).toBeNull()
      expect(await told()).toBe(0)
      // As a login would that was being finished meanwhile.
      await sql`select nokkel.keep_contact(${session.userId}::uuid, sha256('contact'),
        nokkel.person_key_of(${session.userId}::uuid))`.execute(database.server)
      expect(await told()).toBe(0)
    })
  })

  it('never lose the last one, nor the one in use', async () => {
    const session = await enter('bankid')
    expect((await remove(session, await idOf(session, 'bankid'))).body.code).toBe('login_last')
    await enter('vipps')
    expect((await remove(session, await idOf(session, 'bankid'))).body.code).toBe('login_in_use')
    await sql`update nokkel.session set identity_id = null`.execute(database.owner)
    expect((await remove(session, await idOf(session, 'bankid'))).body.code).toBe('login_in_use')
    expect((await list(session)).logins).toHaveLength(2)
  })

  it('lose one only soon after a login, and only to their person', async () => {
    await arriveByBoth(system)
    const [session, other] = [await enter('bankid'), await enter('bankid', stranger)]
    const id = await idOf(session, 'vipps')
    expect((await remove(other, id)).body.code).toBe('not_found')
    expect((await remove(session, crypto.randomUUID())).body.code).toBe('not_found')
    await age(session, 301)
    expect((await remove(session, id)).body.code).toBe('login_too_old')
    expect((await list(session)).logins).toHaveLength(2)
    expect((await recorded(database)).slice(-3)).toEqual(
      ['not_found', 'not_found', 'login_too_old'].map((problem) => ({ action: 'login.unlink', problem })),
    )
  })

  it('keep one when two sessions remove each the login of the other', async () => {
    await arriveByBoth(system)
    const [one, other] = [await enter('bankid'), await enter('vipps')]
    const [ofOther, ofOne] = [await idOf(one, 'vipps'), await idOf(one, 'bankid')]
    const answers = await Promise.all([remove(one, ofOther), remove(other, ofOne)])
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    const { rows } = await sql`select from public.external_identity`.execute(database.owner)
    expect(rows).toHaveLength(1)
  })

  it('show no contact that is lost, and get it again at the next login', async () => {
    const session = await enter('vipps')
    await sql`update nokkel.person_key set wrapped_key = sha256('lost')`.execute(database.owner)
    expect((await list(session)).contact).toBeNull()
    expect(system.logged.some(({ event }) => event === 'contact_unreadable')).toBe(true)
    await sql`delete from nokkel.person_key`.execute(database.owner)
    expect((await list(session)).contact).toBeNull()
    expect((await list(await enter('vipps'))).contact.email).toBe(kari.email)
  })

  it('bring contact that only the person’s key opens, whichever of many first logins made it', async () => {
    await Promise.all(Array.from({ length: 6 }, () => enter('vipps')))
    expect(await countAccounts(database)).toBe(1)
    expect((await list(await enter('vipps'))).contact.phoneNumber).toBe(`+${kari.phoneNumber}`)
    const { rows } = await sql<{ row: string }>`
      select i::text || k::text as row from public.user_identities i join nokkel.person_key k using (user_id)`.execute(
      database.owner,
    )
    expect(rows).toHaveLength(1)
    expect(rows[0]?.row).not.toContain(Buffer.from(kari.email).toString('hex'))
    expect(system.logged.filter(({ event }) => event === 'contact_not_kept')).toEqual([])
  })
})

import { generateDeviceKeys } from '@nokkel/crypto'
import { people } from '@nokkel/sandbox'
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
import { type Answer, createLoginSystem, firstPerson, type LoginSystem } from '../../../../tools/testing/login.ts'

const kari = people.find(({ id }) => id === firstPerson) as (typeof people)[number]
const stranger = 'likeperson-medlem-2'

describe.each(databaseEngines)('a login that looks like one of an account [%s]', (engine) => {
  let database: TestDatabase
  let home: LoginSystem
  let other: LoginSystem
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    home = await createLoginSystem(database)
    other = await createLoginSystem(database)
  })
  beforeEach(() => forgetEverybody(database))
  afterAll(async () => {
    await home.close()
    await other.close()
    await database.close()
  })

  /** Kari has an account by BankID and the Vipps of one organisation, and comes to another by its Vipps, without a number. */
  async function wait(system = other) {
    const userId = await arriveByBoth(home)
    const { status, body, signing } = await tryLogin(system, 'vipps', { person: withoutNumber() })
    expect({ status, outcome: body.outcome }).toEqual({ status: 200, outcome: 'needs_linking' })
    return { userId, signing, linking: body.linking, linkToken: body.linking.token as string }
  }
  const expire = () => sql`update nokkel.waiting_identity set expires_at = now()`.execute(database.owner)
  const proceed = (linkToken: string, signing: CryptoKeyPair, system = other) =>
    system.request('POST', '/nokkel/login/continue', { body: { linkToken }, signing })
  const beginWith = async (linkToken: string, system = other) => {
    const { state, nonce } = await system.begin('bankid')
    const consent = { version: 'v1', shares: ['name', 'birthDate', 'personnummer'] }
    const body = { provider: 'bankid', organization: system.organization, state, nonce, consent, linkToken }
    return system.request('POST', '/nokkel/login', { body: { ...body, codeChallenge: nonce } })
  }
  const withoutId = ({ status, body: { request_id: _, ...body } }: Answer) => ({ status, body })
  const sessionsOf = async (userId: string) =>
    (await sql`select from nokkel.session where user_id = ${userId}::uuid`.execute(database.owner)).rows.length

  it('is offered to be linked, and not told whose it is', async () => {
    const { userId, linking } = await wait()
    expect(linking).toEqual({ token: expect.any(String), ways: ['bankid'], expiresAt: expect.any(String) })
    expect(JSON.stringify(linking)).not.toContain(userId)
    expect(await countAccounts(database)).toBe(1)
    const { rows } = await sql<{ row: string }>`
      select w::text as row from nokkel.waiting_identity w`.execute(database.owner)
    expect(rows).toHaveLength(1)
    for (const secret of [linking.token, kari.phoneNumber, kari.phoneNumber.slice(2), kari.email, 'Prøvegata']) {
      expect(rows[0]?.row).not.toContain(secret)
    }
  })

  it('belongs to the account once the person has logged in to it by another way', async () => {
    const { userId, signing, linkToken } = await wait()
    const confirmed = await tryLogin(other, 'bankid', { signing, begin: { linkToken } })
    expect(confirmed.body).toMatchObject({ outcome: 'identity_linked', userId, personnummer: 'verified' })
    expect(await tryLogin(other, 'vipps', { person: withoutNumber() })).toMatchObject({
      body: { outcome: 'signed_in', userId },
    })
    expect(await suspicions(database)).toEqual([])
    expect(await countAccounts(database)).toBe(1)
    const me = await other.request('GET', '/nokkel/me/logins', { token: confirmed.body.tokens.accessToken })
    expect(me.body.logins.map(({ provider }: { provider: string }) => provider)).toEqual(['bankid', 'vipps', 'vipps'])
    expect(me.body.contact).toMatchObject({ phoneNumber: `+${kari.phoneNumber}`, email: kari.email })
  })

  it('can be linked once', async () => {
    const { signing, linkToken } = await wait()
    const visits = await Promise.all(
      [1, 2].map(async () => {
        const login = await other.begin('bankid', { linkToken })
        return { login: { ...login, signing }, callback: await other.visit(login) }
      }),
    )
    const twice = await Promise.all(visits.map(({ login, callback }) => other.complete(login, callback)))
    expect(twice.map(({ body }) => body.code ?? body.outcome).sort()).toEqual(['identity_linked', 'link_unknown'])
    expect((await beginWith(linkToken)).body.code).toBe('link_unknown')
    expect((await proceed(linkToken, signing)).body.code).toBe('link_unknown')
  })

  it('is linked only with the key that it came with', async () => {
    const { userId, signing, linkToken } = await wait()
    const sessions = await sessionsOf(userId)
    const thief = await tryLogin(other, 'bankid', { begin: { linkToken } })
    expect(thief).toMatchObject({ status: 400, body: { code: 'link_unknown' } })
    const { signing: foreign } = await generateDeviceKeys()
    expect((await proceed(linkToken, foreign)).body.code).toBe('link_unknown')
    expect(await sessionsOf(userId)).toBe(sessions)
    expect((await tryLogin(other, 'bankid', { signing, begin: { linkToken } })).body.outcome).toBe('identity_linked')
  })

  it('is not linked to an account of somebody else, who is not logged in either', async () => {
    const { userId, signing, linkToken } = await wait()
    const somebody = await home.logIn('bankid', stranger)
    const sessions = await sessionsOf(somebody.userId)
    for (const person of [stranger, 'fjordhjelpen-medlem-1']) {
      const answer = await tryLogin(other, 'bankid', { person, signing, begin: { linkToken } })
      expect(answer).toMatchObject({ status: 409, body: { code: 'login_link_mismatch' } })
      expect(answer.body.tokens).toBeUndefined()
    }
    expect(await sessionsOf(somebody.userId)).toBe(sessions)
    expect(await countAccounts(database)).toBe(2)
    expect(await tryLogin(other, 'bankid', { signing, begin: { linkToken } })).toMatchObject({
      body: { outcome: 'identity_linked', userId },
    })
  })

  it('expires, before the other login begins and during it', async () => {
    const { signing, linkToken } = await wait()
    const login = await other.begin('bankid', { linkToken })
    const callback = await other.visit(login)
    await expire()
    expect((await other.complete({ ...login, signing }, callback)).body.code).toBe('link_unknown')
    expect((await beginWith(linkToken)).body.code).toBe('link_unknown')
    expect((await proceed(linkToken, signing)).body.code).toBe('link_unknown')
    expect(await countAccounts(database)).toBe(1)
  })

  it('tells nothing of a token: unknown, expired, used and of another organisation are one answer', async () => {
    const { signing, linkToken } = await wait()
    const unknown = withoutId(await beginWith('A'.repeat(43)))
    expect(unknown).toMatchObject({ status: 400, body: { code: 'link_unknown' } })
    expect(withoutId(await beginWith(linkToken, home))).toEqual(unknown)
    const { signing: foreign } = await generateDeviceKeys()
    const refused = [await proceed(linkToken, foreign), await proceed('A'.repeat(43), signing)].map(withoutId)
    expect(refused).toEqual([unknown, unknown])
    await proceed(linkToken, signing)
    expect(withoutId(await beginWith(linkToken))).toEqual(unknown)
    expect(withoutId(await proceed(linkToken, signing))).toEqual(unknown)
    await expire()
    expect(withoutId(await beginWith(linkToken))).toEqual(unknown)
  })

  it.each(['', 'A', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}=`])(
    'refuses the token %j',
    async (linkToken) => {
      const { signing } = await generateDeviceKeys()
      expect((await proceed(linkToken, signing)).body.code).toBe('request_malformed')
      expect((await beginWith(linkToken)).body.code).toBe('request_malformed')
    },
  )

  it('gets an account of its own when the person goes on, once, and the two are noted', async () => {
    const { userId, signing, linkToken } = await wait()
    const twice = await Promise.all([proceed(linkToken, signing), proceed(linkToken, signing)])
    expect(twice.map(({ body }) => body.code ?? body.outcome).sort()).toEqual(['account_created', 'link_unknown'])
    const made = twice.find(({ status }) => status === 200)?.body
    expect(made.userId).not.toBe(userId)
    expect(await suspicions(database)).toEqual([{ evidence: 'phone_and_email', pair: [userId, made.userId].sort() }])
    const me = await other.request('GET', '/nokkel/me/logins', { token: made.tokens.accessToken })
    expect(me.body.contact).toMatchObject({ phoneNumber: `+${kari.phoneNumber}`, email: kari.email })
    expect(await tryLogin(other, 'vipps', { person: withoutNumber() })).toMatchObject({
      body: { outcome: 'signed_in', userId: made.userId },
    })
  })

  it('needs the proof of a key to go on', async () => {
    const { linkToken } = await wait()
    const answer = await other.request('POST', '/nokkel/login/continue', { body: { linkToken } })
    expect(answer).toMatchObject({ status: 401, body: { code: 'dpop_proof_invalid' } })
  })

  it('ends in one account when it is linked and continued at the same time', async () => {
    const { userId, signing, linkToken } = await wait()
    const login = await other.begin('bankid', { linkToken })
    const callback = await other.visit(login)
    const [linked, continued] = await Promise.all([
      other.complete({ ...login, signing }, callback),
      proceed(linkToken, signing),
    ])
    expect([linked.body.outcome ?? linked.body.code, continued.body.outcome ?? continued.body.code]).toSatisfy(
      ([one, two]: string[]) =>
        (one === 'identity_linked' && two === 'link_unknown') || (one === 'link_unknown' && two === 'account_created'),
    )
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from public.external_identity`.execute(database.owner)
    expect(rows[0]?.count).toBe(3)
    expect(await countAccounts(database)).toBe(linked.status === 200 ? 1 : 2)
    expect(userId).toBeDefined()
  })

  it('gets an account of its own at once where the other account has no way in that works here', async () => {
    const first = await tryLogin(home, 'vipps', { person: withoutNumber() })
    const second = await tryLogin(other, 'vipps', { person: withoutNumber() })
    expect(second.body.outcome).toBe('account_created')
    const pair = [first.body.userId, second.body.userId].sort()
    expect(await suspicions(database)).toEqual([{ evidence: 'phone_and_email', pair }])
  })

  it('gets an account of its own where it looks like several, each of which is noted', async () => {
    const first = await arriveByBoth(home)
    const { phoneNumber, email } = kari
    const person = { id: stranger, phoneNumber, email, nationalNumber: null }
    const second = await tryLogin(home, 'vipps', { person: { ...person, email: 'else@person.example' } })
    await sql`update public.user_identities set email_index = (
        select email_index from public.user_identities where user_id = ${first}::uuid)
      where user_id = ${second.body.userId}::uuid`.execute(database.owner)
    const third = await tryLogin(other, 'vipps', { person: withoutNumber() })
    expect(third.body.outcome).toBe('account_created')
    expect(await suspicions(database)).toEqual(
      [first, second.body.userId]
        .map((id) => ({ evidence: 'phone_and_email', pair: [id, third.body.userId].sort() }))
        .sort((one, two) => (one.pair.join() < two.pair.join() ? -1 : 1)),
    )
  })

  it.each([
    ['phone number', { email: 'else@person.example' }],
    ['e-mail address', { phoneNumber: '4747009999' }],
  ])('is nobody known by the %s alone', async (_, changes) => {
    await arriveByBoth(home)
    const answer = await tryLogin(other, 'vipps', { person: { ...withoutNumber(), ...changes } })
    expect(answer.body.outcome).toBe('account_created')
    expect(await suspicions(database)).toEqual([])
  })

  it('is nobody known by what Vipps has not verified', async () => {
    await arriveByBoth(home)
    other.sandbox.setScenario('vipps', 'unverified-contact', { once: true })
    const answer = await tryLogin(other, 'vipps', { person: withoutNumber() })
    expect(answer.body.outcome).toBe('account_created')
    expect(await suspicions(database)).toEqual([])
  })

  it('is not of somebody with another personnummer who shares phone and e-mail', async () => {
    await arriveByBoth(home)
    const { phoneNumber, email } = kari
    const answer = await tryLogin(other, 'vipps', { person: { id: stranger, phoneNumber, email } })
    expect(answer.body.outcome).toBe('account_created')
    expect(await suspicions(database)).toEqual([])
  })

  it('is not linked when the other login shows that it is another person', async () => {
    const { body: bankid } = await tryLogin(home, 'bankid', { person: withoutNumber() })
    const { body: vipps } = await tryLogin(home, 'vipps', { person: withoutNumber() })
    // As after adding one to the account of the other.
    await sql`update public.external_identity set user_id = ${vipps.userId}::uuid
      where user_id = ${bankid.userId}::uuid`.execute(database.owner)
    const { phoneNumber, email } = kari
    const waiting = await tryLogin(other, 'vipps', { person: { id: stranger, phoneNumber, email } })
    expect(waiting.body.outcome).toBe('needs_linking')
    const begin = { linkToken: waiting.body.linking.token }
    const answer = await tryLogin(other, 'bankid', { signing: waiting.signing, begin })
    expect(answer).toMatchObject({ status: 409, body: { code: 'login_other_person' } })
    const { rows } =
      await sql`select from public.external_identity where client_id = ${`${other.organization}-vipps`}`.execute(
        database.owner,
      )
    expect(rows).toEqual([])
  })

  it('gets in no more when the organisation has come to ask for more meanwhile', async () => {
    const strict = await createLoginSystem(database)
    const { userId, signing, linkToken } = await wait(strict)
    await sql`update public.organization set minimum_assurance = 'substantial'
      where id = ${strict.organizationId}::uuid`.execute(database.owner)
    expect(await proceed(linkToken, signing, strict)).toMatchObject({
      status: 403,
      body: { code: 'login_assurance_too_low' },
    })
    expect(await countAccounts(database)).toBe(1)
    expect((await tryLogin(strict, 'bankid', { signing, begin: { linkToken } })).body).toMatchObject({
      outcome: 'identity_linked',
      userId,
    })
    await strict.close()
  })

  it('lets nobody new into an organisation that invites, and tells them nothing more', async () => {
    const closed = await createLoginSystem(database, { enrollment: 'invited' })
    const known = async (person: string) =>
      withoutId(await tryLogin(closed, 'vipps', { person: withoutNumber(person) }))
    const userId = await arriveByBoth(home)
    const refused = await known(stranger)
    expect(refused).toMatchObject({ status: 403, body: { code: 'login_not_member' } })
    expect(await known(firstPerson)).toEqual(refused)
    const { rows } = await sql`select from nokkel.waiting_identity`.execute(database.owner)
    expect(rows).toEqual([])

    await sql`insert into public.organization_member (organization_id, user_id)
      values (${closed.organizationId}::uuid, ${userId}::uuid)`.execute(database.owner)
    const { body, signing } = await tryLogin(closed, 'vipps', { person: withoutNumber() })
    expect(body.outcome).toBe('needs_linking')
    const { token: linkToken } = body.linking
    expect((await proceed(linkToken, signing, closed)).body.code).toBe('login_not_member')
    expect(await countAccounts(database)).toBe(1)
    expect((await tryLogin(closed, 'bankid', { signing, begin: { linkToken } })).body).toMatchObject({
      outcome: 'identity_linked',
      userId,
    })
    await closed.close()
  })

  it('records a yes once, whatever becomes of the login', async () => {
    const consents = async (work: () => Promise<unknown>) => {
      const before = (await recorded(database)).length
      await work()
      return (await recorded(database)).slice(before).filter(({ action }) => action === 'login.consent').length
    }
    const { signing, linkToken } = await wait()
    const somebodyElse = { person: stranger, signing, begin: { linkToken } }
    expect(await consents(() => tryLogin(other, 'bankid', somebodyElse))).toBe(1)
    expect(await consents(() => proceed(linkToken, signing))).toBe(0)
    const closed = await createLoginSystem(database, { enrollment: 'invited' })
    expect(await consents(() => tryLogin(closed, 'bankid', { person: stranger }))).toBe(1)
    await closed.close()
  })

  it('records what was decided, without a word of whom', async () => {
    const before = (await recorded(database)).length
    const { userId, signing, linkToken } = await wait()
    await tryLogin(other, 'bankid', { begin: { linkToken } })
    await tryLogin(other, 'bankid', { signing, begin: { linkToken } })
    expect((await recorded(database)).slice(before).map(({ action, problem }) => [action, problem])).toEqual([
      ['login.consent', null],
      ['login.sign_in', null],
      ['login.consent', null],
      ['login.link', null],
      ['login.sign_in', null],
      ['login.consent', null],
      ['login.waiting', null],
      ['login.consent', null],
      ['login.link', 'link_unknown'],
      ['login.consent', null],
      ['login.link', null],
      ['login.sign_in', null],
    ])
    const { rows } = await sql<{ row: string }>`select a::text as row from nokkel.audit_log a`.execute(database.owner)
    const told = rows.map(({ row }) => row).join('\n')
    for (const secret of [
      userId,
      linkToken,
      kari.familyName,
      kari.phoneNumber,
      kari.email,
      kari.nationalNumber ?? '',
    ]) {
      expect(told).not.toContain(secret)
    }
    expect(told).toContain('v1:name,birthDate,personnummer')
    expect(JSON.stringify([home.logged, other.logged])).not.toContain(kari.phoneNumber)
  })
})

import { people, syntheticNationalNumber } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { forgetEverybody, suspicions, tryLogin, withoutNumber } from '../../../../tools/testing/linking.ts'
import { consentTo, createLoginSystem, firstPerson, type LoginSystem } from '../../../../tools/testing/login.ts'

describe.each(databaseEngines)('linking [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
  })
  beforeEach(() => forgetEverybody(database))
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  it('makes an account of a first login', async () => {
    expect((await system.logIn('bankid')).outcome).toBe('account_created')
  })

  it('finds the account by a personnummer that both providers verified', async () => {
    const first = await system.logIn('bankid')
    const second = await system.logIn('vipps')
    expect(second).toMatchObject({ userId: first.userId, outcome: 'identity_linked' })
    expect(await system.logIn('vipps')).toMatchObject({ userId: first.userId, outcome: 'signed_in' })
  })

  it('makes another account when one of them gave no personnummer', async () => {
    const first = await system.logIn('bankid')
    system.sandbox.setScenario('vipps', 'missing-nin', { once: true })
    const second = await system.logIn('vipps')
    expect(second.outcome).toBe('account_created')
    expect(second.userId).not.toBe(first.userId)
    // Later the number comes along, and the two stay two: that is for an administrator to decide.
    expect(await system.logIn('vipps')).toMatchObject({ userId: second.userId, outcome: 'signed_in' })
  })

  it('never takes two people for one', async () => {
    const first = await system.logIn('bankid', 'likeperson-medlem-1')
    const second = await system.logIn('bankid', 'likeperson-medlem-2')
    expect(second.userId).not.toBe(first.userId)
  })

  it('makes one account of two first logins at the same time', async () => {
    const logins = await Promise.all([system.logIn('bankid'), system.logIn('vipps'), system.logIn('bankid')])
    expect(new Set(logins.map(({ userId }) => userId)).size).toBe(1)
  })

  it('knows a BankID also at the client of another organisation, and a Vipps only at its own', async () => {
    const other = await createLoginSystem(database, { personnummer: false })
    const [bankid, vipps] = [await system.logIn('bankid'), await system.logIn('vipps')]
    expect(await other.logIn('bankid')).toMatchObject({ userId: bankid.userId, outcome: 'signed_in' })
    expect((await other.logIn('vipps')).userId).not.toBe(vipps.userId)
    await other.close()
  })

  it('keeps the personnummer out of the database and the log', async () => {
    await system.logIn('bankid')
    const number = people.find(({ id }) => id === firstPerson)?.nationalNumber ?? ''
    expect(number).toHaveLength(11)
    const { rows } = await sql`select * from public.user_identities`.execute(database.owner)
    expect(rows).toHaveLength(1)
    expect(JSON.stringify([rows, system.logged])).not.toContain(number)
  })

  it('lets nobody new into an organisation that invites', async () => {
    const closed = await createLoginSystem(database, { enrollment: 'invited' })
    const login = await closed.begin('bankid')
    expect(await closed.complete(login, await closed.visit(login))).toMatchObject({
      status: 403,
      body: { code: 'login_not_member' },
    })
    const { rows } = await sql`select from public.app_user`.execute(database.owner)
    expect(rows).toEqual([])
    await closed.close()
  })

  it('links nothing where the client may not ask for the personnummer', async () => {
    const strict = await createLoginSystem(database, { personnummer: false })
    const first = await strict.logIn('bankid')
    const second = await strict.logIn('vipps')
    expect(second.userId).not.toBe(first.userId)
    await strict.close()
  })

  it('does not move a personnummer that stands with another account, and notes the pair once', async () => {
    const first = await system.logIn('bankid')
    const second = await tryLogin(system, 'vipps', { person: withoutNumber() })
    expect(second.body.outcome).toBe('account_created')
    expect(await suspicions(database)).toEqual([])
    for (let time = 0; time < 2; time++) {
      expect(await system.logIn('vipps')).toMatchObject({ userId: second.body.userId, outcome: 'signed_in' })
    }
    const pair = [first.userId, second.body.userId].sort()
    expect(await suspicions(database)).toEqual([{ evidence: 'personnummer', pair }])
    const { rows } = await sql<{ id: string }>`
      select user_id as id from public.user_identities where personnummer_verified`.execute(database.owner)
    expect(rows).toEqual([{ id: first.userId }])
  })

  it('fills in the number that was missing, at a login that brings it', async () => {
    const first = await tryLogin(system, 'vipps', { person: withoutNumber() })
    expect(first.body.personnummer).toBe('absent')
    expect(await system.logIn('vipps')).toMatchObject({ userId: first.body.userId, personnummer: 'verified' })
    expect((await system.logIn('bankid')).userId).toBe(first.body.userId)
    expect((await tryLogin(system, 'vipps', { person: withoutNumber() })).body.personnummer).toBe('verified')
  })

  it('takes no number that the person did not agree to share', async () => {
    await system.logIn('bankid')
    const consent = { version: 'v1', shares: ['name', 'phoneNumber', 'email', 'address'] }
    const answer = await tryLogin(system, 'vipps', { begin: { consent } })
    expect(answer.body).toMatchObject({ outcome: 'account_created', personnummer: 'not_asked' })
  })

  describe('a personnummer that somebody typed', () => {
    const numberOf = (id: string) => people.find((person) => person.id === id)?.nationalNumber ?? ''
    const typed = (personnummer: string) => ({ loginHint: { personnummer } })
    /** BankID found the person by the number, and did not give it to us. */
    async function typeAndLogIn() {
      system.sandbox.setScenario('bankid', 'missing-nin', { once: true })
      return (await tryLogin(system, 'bankid', { begin: typed(numberOf(firstPerson)) })).body
    }

    it('never links: what BankID does not give itself is not known', async () => {
      const { userId } = await system.logIn('vipps')
      const made = await typeAndLogIn()
      expect(made).toMatchObject({ outcome: 'account_created', personnummer: 'absent' })
      expect(made.userId).not.toBe(userId)
      expect(await suspicions(database)).toEqual([])
      const { rows } = await sql<{ id: string }>`
        select user_id as id from public.user_identities where personnummer_verified`.execute(database.owner)
      expect(rows).toEqual([{ id: userId }])
    })

    it('never collides: the number is free for whom a provider gives it to, however often it was typed', async () => {
      const begin = typed(numberOf(firstPerson))
      const attempts = await Promise.all(Array.from({ length: 4 }, () => system.begin('bankid', begin)))
      expect(new Set(attempts.map(({ loginId }) => loginId)).size).toBe(4)
      await typeAndLogIn()
      expect(await system.logIn('vipps')).toMatchObject({ outcome: 'account_created', personnummer: 'verified' })
    })

    it('never reveals: the answers are the same to the byte, but for what is random', async () => {
      await system.logIn('bankid')
      const { state, nonce } = await system.begin('bankid')
      const answerTo = async (personnummer: string) => {
        const body = {
          provider: 'bankid',
          organization: system.organization,
          state,
          nonce,
          codeChallenge: nonce,
          consent: consentTo('bankid'),
          ...typed(personnummer),
        }
        const { status, headers, body: answer } = await system.request('POST', '/nokkel/login', { body })
        const text = JSON.stringify(answer)
          .replace(answer.loginId, '')
          .replace(answer.expiresAt, '')
          .replace(/(?<=request_uri=)[^"&]+/, (uri) => String(uri.length))
        return { status, headers: [...headers.keys()], text }
      }
      const known = await answerTo(numberOf(firstPerson))
      expect(known.status).toBe(201)
      expect(await answerTo(numberOf('likeperson-medlem-2'))).toEqual(known)
      expect(await answerTo(syntheticNationalNumber('1990-02-17'))).toEqual(known)
    })
  })
})

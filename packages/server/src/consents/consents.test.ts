import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { arriveByBoth, forgetEverybody, recorded, tryLogin, withoutNumber } from '../../../../tools/testing/linking.ts'
import { consentTo, createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'
import { enter, personalDataOf, type Session, sessionOf } from '../../../../tools/testing/personal-data.ts'

const stranger = 'likeperson-medlem-2'
type Logged = { consent: string }
const contactShares = ['phoneNumber', 'email', 'address']

describe.each(databaseEngines)('what a person has agreed to [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let elsewhere: LoginSystem
  let data: ReturnType<typeof personalDataOf>
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    elsewhere = await createLoginSystem(database)
    data = personalDataOf(system)
  })
  beforeEach(() => forgetEverybody(database))
  afterAll(async () => {
    await system.close()
    await elsewhere.close()
    await database.close()
  })
  type Listed = { id: string; purpose: string; organization: string; textVersion: string; withdrawnAt: string | null }
  const live = async (session: Session): Promise<Listed[]> =>
    (await data.consents(session)).filter(({ withdrawnAt }: Listed) => withdrawnAt === null)
  const purposes = async (session: Session) => (await live(session)).map(({ purpose }) => purpose).sort()
  const contact = async ({ token }: Session) =>
    (await system.request('GET', '/nokkel/me/logins', { token })).body.contact
  /** What of this is there for anybody. */
  const held = async () => {
    const { rows } = await sql<Record<string, boolean>>`
      select bool_or(contact is not null) as contact, bool_or(contact_index_key is not null) as "contactIndex",
        bool_or(num_nonnulls(phone_index, email_index) > 0) as indexes, bool_or(personnummer_index is not null) as recognised,
        bool_or(personnummer is not null) as personnummer,
        exists (select from nokkel.offered_personnummer) as offered
      from public.user_identities`.execute(database.owner)
    return Object.entries(rows[0] ?? {}).flatMap(([name, is]) => (is ? [name] : []))
  }
  /** What the log has of consents that are over since: what, and where. */
  const logOf = async () => {
    const { rows } = await sql<{ action: string; organization: string; byThem: boolean; consent: string }>`
      select a.action, a.organization_id as organization, a.subject_id as consent,
        exists (
          select from nokkel.pseudonym p join public.consent c on c.user_id = p.user_id
          where p.pseudonym = a.actor and c.id::text = a.subject_id) as "byThem"
      from nokkel.audit_log a where a.action in ('consent.withdraw', 'consent.replace') and a.outcome = 'allowed'
        and a.subject_id in (select c.id::text from public.consent c)
      order by a.action, a.organization_id = ${elsewhere.organizationId}::uuid, a.subject_id`.execute(database.owner)
    return rows
  }
  const everything = ['contact', 'contactIndex', 'indexes', 'recognised']

  it('is recorded at a login, by what it is for', async () => {
    const session = await enter(system, 'vipps')
    const common = {
      id: expect.any(String),
      textVersion: 'v1',
      organization: system.organization,
      givenAt: expect.any(String),
      withdrawnAt: null,
    }
    expect(await data.consents(session)).toEqual(
      expect.arrayContaining([
        { ...common, purpose: 'contact', shares: contactShares, legalBasis: 'gdpr-6-1-a' },
        { ...common, purpose: 'recognition', shares: ['personnummer'], legalBasis: 'gdpr-6-1-a+popplyl-12' },
      ]),
    )
    expect(await purposes(session)).toEqual(['contact', 'recognition'])
    expect((await recorded(database)).map(({ action }) => action)).toContain('login.consent')
  })

  it.each([
    ['bankid', ['name', 'birthDate'], []],
    ['bankid', ['name', 'birthDate', 'personnummer'], ['recognition']],
    ['vipps', ['name', ...contactShares], ['contact']],
    ['vipps', ['name', ...contactShares, 'personnummer'], ['contact', 'recognition']],
  ] as const)('is what was shared by %s: %j', async (provider, shares, expected) => {
    expect(await purposes(await enter(system, provider, { shares }))).toEqual(expected)
  })

  it('stands while the same is said again, and is replaced by another text or other shares', async () => {
    const session = await enter(system, 'vipps')
    const before = await data.consents(session)
    await enter(system, 'vipps')
    expect(await data.consents(session)).toEqual(before)
    expect(await logOf()).toEqual([])
    await enter(system, 'vipps', { version: 'v2' })
    expect((await live(session)).map(({ textVersion }) => textVersion)).toEqual(['v2', 'v2'])
    const entry = { action: 'consent.replace', byThem: true, organization: system.organizationId }
    expect(await logOf()).toEqual(
      before
        .map(({ id }: Listed) => ({ ...entry, consent: id }))
        .sort((a: Logged, b: Logged) => (a.consent < b.consent ? -1 : 1)),
    )
    await sql`update public.consent set shares = '{email}' where purpose = 'contact' and replaced_at is null`.execute(
      database.owner,
    )
    await enter(system, 'vipps', { version: 'v2' })
    expect(await live(session)).toHaveLength(2)
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from public.consent where replaced_at is not null`.execute(database.owner)
    expect(rows[0]?.count).toBe(3)
  })

  it('is one row of each purpose after many logins at the same time', async () => {
    await enter(system, 'bankid')
    await Promise.all(
      Array.from({ length: 6 }, (_, index) => enter(system, index % 2 ? 'vipps' : 'bankid', { version: `v${index}` })),
    )
    expect(await purposes(await enter(system, 'vipps'))).toEqual(['contact', 'recognition'])
  })

  it('is recorded when it is known whose the login is that had to wait', async () => {
    await arriveByBoth(system)
    const waiting = await tryLogin(elsewhere, 'vipps', {
      person: withoutNumber(),
      begin: { consent: { version: 'waited', shares: ['name', ...contactShares] } },
    })
    expect(waiting.body.outcome).toBe('needs_linking')
    const count = async () =>
      (await sql`select from public.consent where text_version = 'waited'`.execute(database.owner)).rows.length
    expect(await count()).toBe(0)
    const consented = async () => (await recorded(database)).filter(({ action }) => action === 'login.consent').length
    const said = await consented()
    const { signing } = waiting
    const continued = await elsewhere.request('POST', '/nokkel/login/continue', {
      body: { linkToken: waiting.body.linking.token },
      signing,
    })
    expect(continued.body.outcome).toBe('account_created')
    const session = sessionOf(elsewhere, continued.body, signing)
    expect(await consented()).toBe(said)
    const consents = await personalDataOf(elsewhere).consents(session)
    expect(consents).toMatchObject([
      { purpose: 'contact', textVersion: 'waited', organization: elsewhere.organization },
    ])
  })

  it('is recorded of no login that is refused', async () => {
    await enter(system, 'bankid')
    const session = await enter(system, 'vipps', { person: stranger })
    const before = await data.consents(session)
    const invited = await createLoginSystem(database, { enrollment: 'invited' })
    try {
      const refused = await tryLogin(invited, 'vipps', { person: 'fjordhjelpen-medlem-1' })
      expect(refused.body.code).toBe('login_not_member')
    } finally {
      await invited.close()
    }
    expect(await data.consents(session)).toEqual(before)
    const { rows } = await sql`select from public.consent c where not exists (
      select from public.external_identity i where i.user_id = c.user_id)`.execute(database.owner)
    expect(rows).toEqual([])
  })

  describe('taken back', () => {
    it('to be reached, takes contact and its indexes, and leaves the rest', async () => {
      const session = await enter(system, 'vipps')
      expect(await held()).toEqual([...everything, 'offered'])
      expect((await data.withdrawPurpose(session, 'contact')).status).toBe(204)
      expect(await contact(session)).toBeNull()
      expect(await held()).toEqual(['recognised', 'offered'])
      expect(await purposes(session)).toEqual(['recognition'])
      expect((await recorded(database)).at(-1)).toEqual({ action: 'consent.withdraw', problem: null })
    })

    it('to be recognised, takes the index and the offer', async () => {
      const session = await enter(system, 'vipps')
      expect((await data.withdrawPurpose(session, 'recognition')).status).toBe(204)
      expect(await held()).toEqual(['contact', 'contactIndex', 'indexes'])
      expect((await data.identity(session)).personnummerVerified).toBe(false)
      expect((await data.keep(session)).body.code).toBe('personnummer_offer_gone')
    })

    it('to keep the number, takes the number', async () => {
      const session = await enter(system, 'bankid')
      await data.keep(session)
      expect(await held()).toContain('personnummer')
      expect((await data.withdrawPurpose(session, 'personnummer')).status).toBe(204)
      expect(await held()).toEqual(['recognised'])
      expect(await data.status(session)).toEqual({ kept: null, offered: null })
      expect((await data.identity(session)).personnummer).toBeNull()
    })

    it('can be asked again, and is listed with its time', async () => {
      const session = await enter(system, 'vipps')
      const [{ id }] = (await live(session)).filter(({ purpose }) => purpose === 'contact') as [Listed]
      expect((await data.withdraw(session, id)).status).toBe(204)
      const listed = await data.consents(session)
      expect(listed.find((consent: Listed) => consent.id === id).withdrawnAt).toEqual(expect.any(String))
      expect((await data.withdraw(session, id)).status).toBe(204)
      expect(await data.consents(session)).toEqual(listed)
    })

    it('after it was replaced, takes back what replaced it', async () => {
      const session = await enter(system, 'vipps')
      const [{ id }] = (await live(session)).filter(({ purpose }) => purpose === 'contact') as [Listed]
      await enter(system, 'vipps', { version: 'v2' })
      expect((await data.withdraw(session, id)).status).toBe(204)
      expect(await purposes(session)).toEqual(['recognition'])
      expect(await contact(session)).toBeNull()
    })

    it('is brought back by no login without a new yes, and by one with it', async () => {
      await arriveByBoth(system)
      const session = await enter(system, 'vipps')
      await data.withdrawPurpose(session, 'contact')
      await data.withdrawPurpose(session, 'recognition')
      const again = await enter(system, 'bankid', { shares: ['name', 'birthDate'] })
      expect(again.userId).toBe(session.userId)
      expect(await held()).toEqual([])
      expect(await live(session)).toEqual([])
      await enter(system, 'vipps', { shares: ['name', ...contactShares] })
      expect(await held()).toEqual(['contact', 'contactIndex', 'indexes'])
      await enter(system, 'bankid')
      expect(await held()).toEqual([...everything, 'offered'])
    })

    it('is not undone by a login that was on its way', async () => {
      const session = await enter(system, 'vipps')
      await data.withdrawPurpose(session, 'contact')
      await data.withdrawPurpose(session, 'recognition')
      const [bytes, key] = [sql`sha256('told')`, sql`nokkel.person_key_of(${session.userId}::uuid)`]
      await sql`select nokkel.keep_contact(${session.userId}::uuid, ${bytes}, ${key})`.execute(database.server)
      await sql`select nokkel.offer_personnummer(${session.userId}::uuid, ${bytes}, 'vipps', ${key})`.execute(
        database.server,
      )
      expect(await held()).toEqual([])
    })

    it('in one organisation, leaves what another one holds it for, until that is taken back, too', async () => {
      const session = await enter(system, 'vipps')
      const other = await enter(elsewhere, 'vipps')
      expect(other.userId).toBe(session.userId)
      const there = await live(session)
      expect(there).toHaveLength(4)
      const of = (organization: string, purpose: string) =>
        there.find((consent) => consent.organization === organization && consent.purpose === purpose)?.id ?? ''
      await data.withdraw(session, of(system.organization, 'contact'))
      await data.withdraw(session, of(system.organization, 'recognition'))
      expect(await held()).toEqual(everything)
      await data.withdraw(session, of(elsewhere.organization, 'contact'))
      await data.withdraw(session, of(elsewhere.organization, 'recognition'))
      expect(await held()).toEqual([])
    })

    it('is in the log of the organisation that it was said to', async () => {
      await enter(system, 'vipps')
      const session = await enter(elsewhere, 'vipps')
      const there = await live(session)
      const id = there.find(
        ({ organization, purpose }) => organization === system.organization && purpose === 'contact',
      )?.id
      expect((await personalDataOf(elsewhere).withdraw(session, id ?? '')).status).toBe(204)
      const entry = { action: 'consent.withdraw', byThem: true }
      expect(await logOf()).toEqual([{ ...entry, consent: id, organization: system.organizationId }])
    })

    it('is in the log wherever they are a member when that organisation is gone', async () => {
      await enter(system, 'vipps')
      const session = await enter(elsewhere, 'bankid')
      await sql`update public.consent set organization_id = null where purpose = 'contact'`.execute(database.owner)
      const [{ id }] = (await live(session)).filter(({ purpose }) => purpose === 'contact') as [Listed]
      expect((await data.withdraw(session, id)).status).toBe(204)
      const entry = { action: 'consent.withdraw', byThem: true, consent: id }
      expect(await logOf()).toEqual([
        { ...entry, organization: system.organizationId },
        { ...entry, organization: elsewhere.organizationId },
      ])
    })

    it('goes with the last Vipps', async () => {
      await enter(elsewhere, 'vipps')
      await enter(system, 'vipps')
      const session = await enter(system, 'bankid')
      const { logins } = (await system.request('GET', '/nokkel/me/logins', { token: session.token })).body
      const ids = logins.flatMap((login: { id: string; provider: string }) =>
        login.provider === 'vipps' ? [login.id] : [],
      )
      expect(ids).toHaveLength(2)
      const remove = async (id: string) =>
        (await system.request('DELETE', `/nokkel/me/logins/${id}`, { token: session.token })).status
      expect(await remove(ids[0])).toBe(204)
      expect(await purposes(session)).toEqual(['contact', 'contact', 'recognition', 'recognition'])
      expect(await logOf()).toEqual([])
      expect(await remove(ids[1])).toBe(204)
      expect(await purposes(session)).toEqual(['recognition', 'recognition'])
      expect(await held()).toEqual(['recognised', 'offered'])
      const entry = { action: 'consent.withdraw', byThem: true, consent: expect.any(String) }
      expect(await logOf()).toEqual([
        { ...entry, organization: system.organizationId },
        { ...entry, organization: elsewhere.organizationId },
      ])
    })

    it('is not another’s to take back or to see', async () => {
      const session = await enter(system, 'vipps')
      const other = await enter(system, 'vipps', { person: stranger })
      const before = await data.consents(session)
      for (const { id } of before) {
        expect(await data.withdraw(other, id)).toMatchObject({ status: 404, body: { code: 'not_found' } })
      }
      expect((await recorded(database)).at(-1)).toEqual({ action: 'consent.withdraw', problem: 'not_found' })
      expect((await data.withdraw(session, crypto.randomUUID())).body.code).toBe('not_found')
      expect((await data.withdraw(session, 'x')).body.code).toBe('request_malformed')
      expect((await system.request('DELETE', `/nokkel/me/consents/${before[0].id}`)).body.code).toBe('token_missing')
      expect(await data.consents(session)).toEqual(before)
      expect(JSON.stringify(await data.consents(other))).not.toContain(before[0].id)
    })

    it('at the same time as the number is kept, leaves both or neither', async () => {
      for (let round = 0; round < 4; round++) {
        const session = await enter(system, 'bankid', { version: `v${round}` })
        await data.keep(session, `storage-${round}`)
        const [{ id }] = (await live(session)).filter(({ purpose }) => purpose === 'personnummer') as [Listed]
        await sql`insert into nokkel.offered_personnummer (user_id, personnummer, source)
          select user_id, sha256('offer'), 'bankid' from public.user_identities`.execute(database.owner)
        await Promise.all([
          data.withdraw(session, id),
          sql`select nokkel.keep_offered_personnummer(${session.claims.sid}::uuid, ${session.userId}::uuid,
            ${session.claims.organization}::uuid, null, 'another', sha256('offer'), sha256('kept'),
            nokkel.person_key_of(${session.userId}::uuid))`.execute(database.server),
        ])
        const isHeld = (await held()).includes('personnummer')
        expect((await purposes(session)).includes('personnummer')).toBe(isHeld)
        await forgetEverybody(database)
      }
    })

    it('at the same time as a login brings contact, leaves none without a yes', async () => {
      const session = await enter(system, 'vipps')
      for (let round = 0; round < 4; round++) {
        await enter(system, 'vipps', { version: `v${round}` })
        await Promise.all([
          data.withdrawPurpose(session, 'contact'),
          sql`select nokkel.keep_contact(${session.userId}::uuid, sha256('told'),
            nokkel.person_key_of(${session.userId}::uuid))`.execute(database.server),
        ])
        expect(await held()).not.toContain('contact')
      }
    })
  })

  it('is deleted three years after it was taken back or replaced, with what else is over', async () => {
    const session = await enter(system, 'vipps')
    await enter(system, 'vipps', { version: 'v2' })
    await data.withdrawPurpose(session, 'contact')
    const sweep = async () =>
      (
        await sql<{ swept: Record<string, number> }>`select nokkel.sweep_personal_data() as swept`.execute(
          database.owner,
        )
      ).rows[0]?.swept
    expect(await sweep()).toMatchObject({ consents: 0, offers: 0 })
    await sql`update public.consent set withdrawn_at = withdrawn_at - interval '3 years',
      replaced_at = replaced_at - interval '3 years', given_at = given_at - interval '3 years'`.execute(database.owner)
    await sql`update nokkel.offered_personnummer set expires_at = now()`.execute(database.owner)
    await sql`insert into nokkel.declined_personnummer values (${session.userId}::uuid, now() - interval '90 days')`.execute(
      database.owner,
    )
    await sql`delete from nokkel.identity_key`.execute(database.owner)
    await sql`insert into nokkel.identity_key (kid, public_key, wrapped_private_key, replaced_at)
      values ('old', '{}', '', now() - interval '1 hour'), ('recent', '{}', '', now() - interval '59 minutes'),
        ('current', '{}', '', null)`.execute(database.owner)
    expect(await sweep()).toEqual({ consents: 3, offers: 1, declined: 1, identityKeys: 1, failed: {} })
    await sql`delete from nokkel.identity_key`.execute(database.owner)
    expect(await data.consents(session)).toMatchObject([{ purpose: 'recognition', withdrawnAt: null }])
  })

  it('is what the page asked for: shares that cannot be consented to are refused', async () => {
    const consent = { version: 'v1', shares: [...consentTo('vipps').shares, 'gender'] }
    await expect(system.begin('vipps', { consent })).rejects.toThrow('request_malformed')
  })
})

import { exportPublicJwk, generateDeviceKeys } from '@nokkel/crypto'
import { syntheticNationalNumber } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { forgetEverybody, recorded } from '../../../../tools/testing/linking.ts'
import { consentTo, createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'
import {
  ageSession,
  enter,
  equipSession,
  numberOf,
  openRevealed,
  personalDataOf,
  type Session,
} from '../../../../tools/testing/personal-data.ts'
import { givenRootKeys } from '../keyring/root-keys.ts'
import { createServerKeys } from '../keyring/server-keys.ts'
import { keepPersonnummer } from './keep.ts'

const stranger = 'likeperson-medlem-2'
const number = numberOf()
const masked = `${number.slice(0, 6)}*****`
const typed = syntheticNationalNumber('1971-06-09')
const withoutShare = consentTo('bankid').shares.filter((share) => share !== 'personnummer')

describe.each(databaseEngines)('a personnummer [%s]', (engine) => {
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
  const everyRow = async () =>
    (
      await sql<{ row: string }>`
        select to_jsonb(i)::text as row from public.user_identities i
        union all select to_jsonb(o)::text from nokkel.offered_personnummer o
        union all select to_jsonb(c)::text from public.consent c
        union all select to_jsonb(a)::text from nokkel.audit_log a`.execute(database.owner)
    ).rows.map(({ row }) => row)
  const offers = async () => (await sql`select from nokkel.offered_personnummer`.execute(database.owner)).rows.length
  const live = async (session: Session, purpose: string) =>
    (await data.consents(session)).filter(
      (consent: { purpose: string; withdrawnAt: string | null }) =>
        consent.purpose === purpose && consent.withdrawnAt === null,
    )
  const expireOffers = () =>
    sql`update nokkel.offered_personnummer set offered_at = now() - interval '61 minutes',
      expires_at = now() - interval '1 minute'`.execute(database.owner)

  describe('that a provider told', () => {
    it.each(['bankid', 'vipps'] as const)('waits for a yes, masked, after a login by %s', async (provider) => {
      const session = await enter(system, provider)
      expect(await data.status(session)).toEqual({
        kept: null,
        offered: { masked, source: provider, expiresAt: expect.any(String) },
      })
      expect((await data.identity(session)).personnummer).toBeNull()
    })

    it('is kept after the yes, with what it was said to', async () => {
      const session = await enter(system, 'bankid')
      const kept = await data.keep(session)
      expect(kept).toMatchObject({ status: 200, body: { userId: session.userId, personnummerSource: 'bankid' } })
      expect(kept.body.personnummer).toMatch(/^[\w-]{79}$/)
      expect(await data.status(session)).toEqual({
        kept: { masked, source: 'bankid', keptAt: expect.any(String) },
        offered: null,
      })
      expect(await live(session, 'personnummer')).toEqual([
        {
          id: expect.any(String),
          purpose: 'personnummer',
          shares: ['personnummer'],
          legalBasis: 'gdpr-6-1-a+popplyl-12',
          textVersion: 'storage-1',
          organization: system.organization,
          givenAt: expect.any(String),
          withdrawnAt: null,
        },
      ])
      expect((await recorded(database)).at(-1)).toEqual({ action: 'personnummer.keep', problem: null })
    })

    it('is in the clear nowhere', async () => {
      const session = await enter(system, 'bankid')
      const before = await data.ask(session, 'GET', '/nokkel/me/personnummer')
      const kept = await data.keep(session)
      const after = await data.ask(session, 'GET', '/nokkel/me/personnummer')
      const hex = Buffer.from(number).toString('hex')
      const places = [
        ...(await everyRow()),
        ...[before, kept, after].map(({ body }) => JSON.stringify(body)),
        JSON.stringify(system.logged),
      ]
      expect(places.join().includes(masked)).toBe(true)
      for (const secret of [number, hex, Buffer.from(number).toString('base64url'), number.slice(6)]) {
        expect(places.filter((place) => place.includes(secret))).toEqual([])
      }
    })

    it('is kept again without a change when the answer was lost', async () => {
      const session = await enter(system, 'bankid')
      const first = await data.keep(session)
      expect(await data.keep(session)).toMatchObject({ status: 200, body: first.body })
      expect(await data.keep(session, 'storage-2')).toMatchObject({
        status: 409,
        body: { code: 'personnummer_offer_gone' },
      })
      expect(await live(session, 'personnummer')).toHaveLength(1)
    })

    it('is kept once of two at the same time', async () => {
      const session = await enter(system, 'bankid')
      const answers = await Promise.all([1, 2, 3].map((version) => data.keep(session, `storage-${version}`)))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
      expect(await live(session, 'personnummer')).toHaveLength(1)
      expect((await data.status(session)).kept.masked).toBe(masked)
    })

    it('is not offered without the share, nor to whom one of a provider’s is kept', async () => {
      const without = await enter(system, 'bankid', { shares: withoutShare })
      expect(await data.status(without)).toEqual({ kept: null, offered: null })
      expect(await offers()).toBe(0)
      const session = await enter(system, 'bankid')
      await data.keep(session)
      await enter(system, 'vipps')
      expect((await data.status(session)).offered).toBeNull()
      expect(await offers()).toBe(0)
    })

    it('is gone after an hour, until the next login', async () => {
      const session = await enter(system, 'bankid')
      await expireOffers()
      expect(await data.status(session)).toEqual({ kept: null, offered: null })
      expect((await data.keep(session)).body.code).toBe('personnummer_offer_gone')
      expect((await recorded(database)).at(-1)).toEqual({
        action: 'personnummer.keep',
        problem: 'personnummer_offer_gone',
      })
      const again = await enter(system, 'bankid')
      expect((await data.status(again)).offered.masked).toBe(masked)
      expect((await data.keep(session)).status).toBe(200)
    })

    it('is let go of at a no, and not offered again for ninety days', async () => {
      const session = await enter(system, 'bankid')
      expect((await data.decline(session)).status).toBe(204)
      expect((await data.decline(session)).status).toBe(204)
      expect(await offers()).toBe(0)
      expect((await data.keep(session)).body.code).toBe('personnummer_offer_gone')
      await enter(system, 'bankid')
      expect(await offers()).toBe(0)
      await sql`update nokkel.declined_personnummer set declined_at = now() - interval '90 days'`.execute(
        database.owner,
      )
      await enter(system, 'bankid')
      expect((await data.status(session)).offered.masked).toBe(masked)
    })

    it('is not declined once it is kept or gone, and nothing is written of such a no', async () => {
      const session = await enter(system, 'bankid')
      await data.keep(session)
      expect((await data.decline(session)).body.code).toBe('personnummer_offer_gone')
      expect((await data.status(session)).kept.masked).toBe(masked)
      await data.withdrawPurpose(session, 'personnummer')
      await enter(system, 'bankid')
      await expireOffers()
      expect((await data.decline(session)).body.code).toBe('personnummer_offer_gone')
      const { rows } = await sql`select from nokkel.declined_personnummer`.execute(database.owner)
      expect(rows).toHaveLength(0)
      await enter(system, 'bankid')
      expect((await data.status(session)).offered.masked).toBe(masked)
    })

    it('is offered again to who keeps one of their own accord', async () => {
      const session = await enter(system, 'bankid')
      await data.decline(session)
      expect((await data.type(session, typed)).status).toBe(200)
      await enter(system, 'bankid')
      expect((await data.status(session)).offered.masked).toBe(masked)
    })

    it('is either offered or declined, whichever comes last', async () => {
      const session = await enter(system, 'bankid')
      for (let round = 0; round < 3; round++) {
        await sql`delete from nokkel.declined_personnummer`.execute(database.owner)
        const [declined] = await Promise.all([data.decline(session), enter(system, 'bankid')])
        // Without an offer there is nothing to say no to.
        expect([204, 409]).toContain(declined.status)
        await data.decline(session)
        expect((await data.status(session)).offered).toBeNull()
      }
    })

    it('is not another’s to keep, decline or read', async () => {
      const [session, other] = [
        await enter(system, 'bankid'),
        await enter(system, 'bankid', { person: stranger, shares: withoutShare }),
      ]
      expect((await data.keep(other)).body.code).toBe('personnummer_offer_gone')
      expect((await data.decline(other)).body.code).toBe('personnummer_offer_gone')
      expect(await data.status(other)).toEqual({ kept: null, offered: null })
      expect((await data.status(session)).offered.masked).toBe(masked)
    })

    it('does not open once it is moved to another person', async () => {
      const [session, other] = [await enter(system, 'bankid'), await enter(system, 'bankid', { person: stranger })]
      await data.keep(session)
      await data.keep(other)
      await sql`
        update public.user_identities i set personnummer = o.personnummer
        from public.user_identities o where i.user_id = ${other.userId}::uuid and o.user_id = ${session.userId}::uuid`.execute(
        database.owner,
      )
      expect((await data.status(other)).kept).toBeNull()
      expect(system.logged.some(({ event }) => event === 'personnummer_unreadable')).toBe(true)
    })

    it('that cannot be offered does not stop the login', async () => {
      await enter(system, 'bankid')
      await sql`update nokkel.person_key set wrapped_key = sha256('lost')`.execute(database.owner)
      await sql`delete from nokkel.offered_personnummer`.execute(database.owner)
      const session = await enter(system, 'bankid')
      expect(await data.status(session)).toEqual({ kept: null, offered: null })
      expect(system.logged.some(({ event }) => event === 'personnummer_not_offered')).toBe(true)
      expect(JSON.stringify(system.logged)).not.toContain(number)
    })
  })

  describe('that a person typed', () => {
    it('is kept, proves nothing and is in no index', async () => {
      const session = await enter(system, 'bankid', { shares: withoutShare })
      const kept = await data.type(session, typed)
      expect(kept).toMatchObject({ status: 200, body: { personnummerVerified: false } })
      expect((await data.status(session)).kept).toMatchObject({
        masked: `${typed.slice(0, 6)}*****`,
        source: 'typed',
      })
      const { rows } = await sql`select from public.user_identities where personnummer_index is not null`.execute(
        database.owner,
      )
      expect(rows).toEqual([])
    })

    it('is told apart from the one by which the person is recognised', async () => {
      const session = await enter(system, 'bankid')
      await data.decline(session)
      const kept = await data.type(session, typed)
      expect(kept.body).toMatchObject({ personnummerSource: 'typed', personnummerVerified: true })
      expect(await data.identity(session)).toEqual(kept.body)
      await data.withdrawPurpose(session, 'personnummer')
      expect(await data.identity(session)).toMatchObject({ personnummerSource: null, personnummerVerified: true })
    })

    it('replaces another that was typed, and is replaced by one of a provider’s', async () => {
      const session = await enter(system, 'bankid')
      await data.type(session, typed)
      const other = syntheticNationalNumber('1980-01-01')
      expect((await data.type(session, other)).status).toBe(200)
      expect((await data.status(session)).kept.masked).toBe(`${other.slice(0, 6)}*****`)
      expect(await live(session, 'personnummer')).toHaveLength(1)
      expect((await data.keep(session)).status).toBe(200)
      expect((await data.status(session)).kept).toMatchObject({ masked, source: 'bankid' })
      expect((await data.type(session, typed)).body.code).toBe('personnummer_known')
      expect((await data.status(session)).kept.masked).toBe(masked)
      expect((await recorded(database)).at(-1)).toEqual({ action: 'personnummer.keep', problem: 'personnummer_known' })
    })

    it('is answered in the same way whether or not somebody else is known by it', async () => {
      const known = await enter(system, 'bankid')
      await data.keep(known)
      const session = await enter(system, 'bankid', { person: stranger, shares: withoutShare })
      const shape = ({ status, body }: Awaited<ReturnType<typeof data.type>>) => ({
        status,
        ...body,
        personnummer: body.personnummer.length,
        updatedAt: null,
      })
      const unknown = shape(await data.type(session, typed))
      expect(shape(await data.type(session, number))).toEqual(unknown)
      expect(JSON.stringify(await everyRow())).not.toContain(number)
      const { rows } = await sql`select from nokkel.suspected_duplicate`.execute(database.owner)
      expect(rows).toEqual([])
    })

    it.each([
      ['a wrong check digit', `${typed.slice(0, 10)}${(Number(typed[10]) + 1) % 10}`],
      ['other characters', 'abcdefghijk'],
      ['other bytes', '\u0000'.repeat(11)],
      ['spaces', `${typed.slice(0, 10)} `],
    ])('is not %s', async (_what, digits) => {
      const session = await enter(system, 'vipps')
      expect(await data.type(session, digits)).toMatchObject({ status: 400, body: { code: 'personnummer_invalid' } })
      expect((await data.status(session)).kept).toBeNull()
    })

    it('opens only as it was sealed, for its person, by one of our keys', async () => {
      const [session, other] = [await enter(system, 'vipps'), await enter(system, 'vipps', { person: stranger })]
      const key = await data.identityKey(session)
      const foreign = await exportPublicJwk((await generateDeviceKeys()).encryption.publicKey)
      const sealed = await data.sealTo(key, typed, session.userId)
      const flipped = (at: number) =>
        Buffer.from(Buffer.from(sealed, 'base64url').map((byte, index) => (index === at ? byte ^ 1 : byte))).toString(
          'base64url',
        )
      const codes = async (...texts: string[]) => {
        const answers = []
        for (const text of texts) answers.push((await data.keepSealed(session, text)).body.code)
        return answers
      }
      expect(await codes(await data.sealTo(foreign, typed, session.userId), flipped(4), flipped(19))).toEqual([
        'identity_key_unknown',
        'identity_key_unknown',
        'identity_key_unknown',
      ])
      expect(
        await codes(
          await data.sealTo(key, typed, other.userId),
          await data.sealTo(key, typed, session.userId, { purpose: 'personnummer-reveal' }),
          await data.sealTo(key, typed, session.userId, { column: 'contact' }),
          flipped(0),
          flipped(3),
          flipped(20),
          flipped(90),
          flipped(111),
          Buffer.alloc(112).toString('base64url'),
          `${sealed.slice(0, -1)}${sealed.endsWith('B') ? 'C' : 'B'}`,
        ),
      ).toEqual(Array(10).fill('personnummer_invalid'))
      expect(
        await codes(sealed.slice(2), `${sealed}AA`, '', await data.sealTo(key, `${typed}1`, session.userId)),
      ).toEqual(Array(4).fill('request_malformed'))
      expect((await data.keepSealed(other, sealed)).body.code).toBe('personnummer_invalid')
      expect((await data.keepSealed(session, sealed)).status).toBe(200)
      expect((await data.keepSealed(session, 'A'.repeat(70_000))).body.code).toBe('body_too_large')
    })

    it('is refused beside what the contract says', async () => {
      const session = await enter(system, 'bankid')
      const put = (body: unknown) => data.ask(session, 'PUT', '/nokkel/me/personnummer', body)
      const consent = { version: 'storage-1' }
      for (const body of [
        {},
        { from: 'provider' },
        { from: 'typed', consent },
        { from: 'provider', consent: { version: 'Ø' } },
        { from: 'provider', consent, sealed: 'x' },
        { from: 'provider', consent, personnummer: number },
      ]) {
        const refused = await put(body)
        expect(refused.body.code).toBe('request_malformed')
        expect(JSON.stringify(refused.body)).not.toContain(number)
      }
      expect((await data.status(session)).kept).toBeNull()
    })

    it('is kept few times a minute', async () => {
      const limited = await createLoginSystem(database, { limits: { login: { address: Infinity, person: 3 } } })
      try {
        const theirs = personalDataOf(limited)
        const session = await enter(limited, 'vipps')
        const answers = []
        for (let time = 0; time < 4; time++) answers.push((await theirs.type(session, typed)).status)
        expect(answers).toEqual([200, 200, 200, 429])
      } finally {
        await limited.close()
      }
    })

    it('is not one of made-up people in production', async () => {
      const session = await enter(system, 'vipps')
      const { keyring } = createServerKeys(
        givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] }),
        { database: database.server, logger: () => undefined, production: false },
      )
      const request = {
        from: 'typed',
        consent: { version: 'storage-1' },
        sealed: await data.sealTo(await data.identityKey(session), typed, session.userId),
      } as const
      const keep = (allowSynthetic: boolean) =>
        keepPersonnummer(
          { database: database.server, keyring, allowSynthetic },
          { claims: session.claims, requestId: crypto.randomUUID() },
          request,
        )
      await expect(keep(false)).rejects.toMatchObject({ code: 'personnummer_invalid' })
      await keep(true)
      expect((await data.status(session)).kept.source).toBe('typed')
    })
  })

  describe('in full', () => {
    it('goes to the device of its owner alone', async () => {
      const session = await enter(system, 'bankid')
      const device = await equipSession(database, session)
      await data.keep(session)
      const revealed = await data.reveal(session)
      expect(revealed.status).toBe(200)
      expect(JSON.stringify(revealed.body)).not.toContain(number)
      expect(await openRevealed(revealed.body.sealed, device)).toBe(number)
      expect((await recorded(database)).at(-1)).toEqual({ action: 'personnummer.reveal', problem: null })
      const other = await enter(system, 'bankid', { person: stranger })
      const theirs = await equipSession(database, other)
      await expect(openRevealed(revealed.body.sealed, theirs)).rejects.toMatchObject({ code: 'open_failed' })
      expect((await data.reveal(other)).body.code).toBe('not_found')
    })

    it('goes nowhere without a device, or long after a login', async () => {
      const session = await enter(system, 'bankid')
      await data.keep(session)
      expect(await data.reveal(session)).toMatchObject({ status: 403, body: { code: 'device_required' } })
      await equipSession(database, session)
      await ageSession(database, session, 301)
      expect(await data.reveal(session)).toMatchObject({ status: 403, body: { code: 'login_too_old' } })
      await ageSession(database, session, 299)
      expect((await data.reveal(session)).status).toBe(200)
      await sql`update public.device_key set state = 'revoked', ended_at = now()`.execute(database.owner)
      expect((await data.reveal(session)).body.code).toBe('device_required')
      expect((await recorded(database)).slice(-4).map(({ problem }) => problem)).toEqual([
        'device_required',
        'login_too_old',
        null,
        'device_required',
      ])
    })

    it('goes nowhere in a session that has ended', async () => {
      const session = await enter(system, 'bankid')
      await equipSession(database, session)
      await data.keep(session)
      await sql`update nokkel.session set ended_at = now(), ended_reason = 'signed_out'`.execute(database.owner)
      for (const answer of [await data.reveal(session), await data.keep(session), await data.decline(session)]) {
        expect(answer).toMatchObject({ status: 401, body: { code: 'session_ended' } })
      }
      expect((await data.keepSealed(session, 'A'.repeat(150))).body.code).toBe('session_ended')
      expect((await data.status(session)).code).toBe('session_ended')
    })
  })
})

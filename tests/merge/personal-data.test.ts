import * as contract from '@nokkel/contract'
import { encodeBase64Url, seal } from '@nokkel/crypto'
import { syntheticNationalNumber } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepContact } from '../../packages/server/src/auth/contact-store.ts'
import { obtainPersonKey } from '../../packages/server/src/auth/person-key.ts'
import type { Personnummer } from '../../packages/server/src/auth/personnummer.ts'
import { keepPersonnummer } from '../../packages/server/src/identity/keep.ts'
import { encryptPersonnummer } from '../../packages/server/src/identity/personnummer-envelope.ts'
import type { Keyring } from '../../packages/server/src/keyring/keyring.ts'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { createOrganization, type LoggedIn, logIn } from '../../tools/testing/people.ts'
import { callsOf } from './testing/calls.ts'
import { createPair, type Pair, personnummer } from './testing/pair.ts'

const masked = `${personnummer.slice(0, 6)}*****`
const own = syntheticNationalNumber('1971-06-09')
const ownMasked = `${own.slice(0, 6)}*****`

describe.each(databaseEngines)('what people agreed to, in a merge [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let calls: ReturnType<typeof callsOf>
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    calls = callsOf(api)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  const merged = async (): Promise<Pair> => {
    const pair = await createPair(database, api)
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    return pair
  }
  type By = Pick<LoggedIn, 'claims'>
  const status = async (by: By) => (await api.call(contract.getPersonnummer, by.claims)).body
  const contact = async (by: By) => (await api.call(contract.listLogins, by.claims)).body.contact
  const consents = async (by: By): Promise<contract.Consent[]> =>
    (await api.call(contract.listConsents, by.claims)).body.consents
  const live = async (by: By) =>
    (await consents(by))
      .filter(({ withdrawnAt }) => withdrawnAt === null)
      .map(({ purpose }) => purpose)
      .sort()
  const withdraw = async (by: By, purpose: contract.ConsentPurpose) => {
    for (const { id } of (await consents(by)).filter((consent) => consent.purpose === purpose)) {
      expect((await api.call(contract.withdrawConsent, by.claims, { params: { id } })).status).toBe(204)
    }
  }
  /** Where the log says that of a consent. */
  const recorded = async (action: string, id: string) => {
    const { rows } = await sql<{ organization: string }>`
      select organization_id as organization from nokkel.audit_log
      where action = ${action} and subject_id = ${id}`.execute(database.owner)
    return rows.map(({ organization }) => organization)
  }
  const back = ({ organization, other }: Pair) => logIn(database, organization, other.id)

  it('moves to the account that is kept, and goes back', async () => {
    const pair = await createPair(database, api)
    const before = await back(pair)
    expect((await status(before)).kept.masked).toBe(masked)
    const { rows: givesWay } = await sql<{ id: string }>`select id from public.consent
      where user_id = ${pair.other.id}::uuid and organization_id = ${pair.organization}::uuid and purpose = 'contact'`.execute(
      database.owner,
    )
    expect(await status(pair.survivor)).toEqual({ kept: null, offered: null })
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    expect(await status(pair.survivor)).toMatchObject({ kept: { masked, source: 'bankid' }, offered: null })
    expect(await live(pair.survivor)).toEqual(['contact', 'contact', 'personnummer', 'recognition'])
    // Both had said yes to the same organisation: one gives way, which the log says there.
    expect(givesWay).toHaveLength(1)
    for (const { id } of givesWay) expect(await recorded('consent.replace', id)).toEqual([pair.organization])
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await status(pair.survivor)).toEqual({ kept: null, offered: null })
    expect(await live(pair.survivor)).toEqual(['contact'])
    const again = await back(pair)
    expect((await status(again)).kept.masked).toBe(masked)
    expect(await live(again)).toEqual(['contact', 'contact', 'personnummer', 'recognition'])
  })

  /** Of the account that is kept, before it is merged. */
  const keepOwn = async ({ survivor, organization }: Pair, source: 'bankid' | 'typed') => {
    const { key } = await obtainPersonKey(database.server, api.keyring, survivor.id)
    const envelope = await encryptPersonnummer(own as Personnummer, key, 'kept', survivor.id)
    await sql`update public.user_identities
      set personnummer = ${envelope}, personnummer_source = ${source}, personnummer_kept_at = now()
      where user_id = ${survivor.id}::uuid`.execute(database.owner)
    await sql`insert into public.consent (user_id, organization_id, purpose, shares, legal_basis, text_version)
      values (${survivor.id}::uuid, ${organization}::uuid, 'personnummer', '{personnummer}', 'gdpr-6-1-a', 'own')`.execute(
      database.owner,
    )
  }
  const numberConsents = async (by: By) =>
    (await consents(by))
      .filter(({ purpose, withdrawnAt }) => purpose === 'personnummer' && withdrawnAt === null)
      .map(({ textVersion }) => textVersion)

  it.each([
    ['bankid', 'bankid'],
    ['typed', 'typed'],
    ['bankid', 'typed'],
  ] as const)(
    'stays as it is where the account that is kept has one by %s, and the other one by %s',
    async (source, others) => {
      const pair = await createPair(database, api)
      await keepOwn(pair, source)
      await sql`update public.user_identities set personnummer_source = ${others}
      where user_id = ${pair.other.id}::uuid`.execute(database.owner)
      expect(await calls.merge(pair)).toMatchObject({ status: 200 })
      expect((await status(pair.survivor)).kept).toMatchObject({ masked: ownMasked, source })
      expect(await numberConsents(pair.survivor)).toEqual(['own'])
      expect(await calls.undo(pair)).toMatchObject({ status: 200 })
      expect((await status(pair.survivor)).kept).toMatchObject({ masked: ownMasked, source })
      expect((await status(await back(pair))).kept).toMatchObject({ masked, source: others })
    },
  )

  it('that a provider vouched for wins over one that was typed, and an undo gives back both', async () => {
    const pair = await createPair(database, api)
    await keepOwn(pair, 'typed')
    const { effects } = (await calls.preview(pair)).body
    expect(effects).toContainEqual({ what: 'personnummer', effect: 'moves', count: 1 })
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    expect((await status(pair.survivor)).kept).toMatchObject({ masked, source: 'bankid' })
    expect(await numberConsents(pair.survivor)).toEqual(['v2'])
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect((await status(pair.survivor)).kept).toMatchObject({ masked: ownMasked, source: 'typed' })
    expect(await numberConsents(pair.survivor)).toEqual(['own'])
    const again = await back(pair)
    expect((await status(again)).kept).toMatchObject({ masked, source: 'bankid' })
    expect(await numberConsents(again)).toEqual(['v2'])
  })

  it('that won over one that was typed, and was taken back since, comes back to neither', async () => {
    const pair = await createPair(database, api)
    await keepOwn(pair, 'typed')
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    await withdraw(pair.survivor, 'personnummer')
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    for (const by of [pair.survivor, await back(pair)]) {
      expect((await status(by)).kept).toBeNull()
      expect(await numberConsents(by)).toEqual([])
    }
  })

  it('that is offered goes when recognition is taken back, and comes back by no undo', async () => {
    const pair = await merged()
    await withdraw(pair.survivor, 'recognition')
    const offers = async () =>
      (
        await sql`select from nokkel.offered_personnummer where user_id = ${pair.other.id}::uuid`.execute(
          database.owner,
        )
      ).rows.length
    expect(await offers()).toBe(0)
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    const again = await back(pair)
    expect((await status(again)).offered).toBeNull()
    // One that is there all the same is not kept.
    const { key } = await obtainPersonKey(database.server, api.keyring, pair.other.id)
    const offered = await encryptPersonnummer(personnummer as Personnummer, key, 'offered', pair.other.id)
    await sql`insert into nokkel.offered_personnummer (user_id, personnummer, source)
      values (${pair.other.id}::uuid, ${offered}, 'bankid')`.execute(database.owner)
    await sql`update public.user_identities set personnummer = null, personnummer_source = null, personnummer_kept_at = null
      where user_id = ${pair.other.id}::uuid`.execute(database.owner)
    const body = { from: 'provider', consent: { version: 'storage-1' } }
    expect(await api.call(contract.keepPersonnummer, again.claims, { body })).toMatchObject({
      status: 409,
      code: 'personnummer_offer_gone',
    })
  })

  it('goes with the last Vipps from both, also out of what the merge remembers', async () => {
    const pair = await merged()
    expect(await contact(pair.survivor)).not.toBeNull()
    const by = await logIn(database, pair.organization, pair.survivor.id)
    await sql`update nokkel.session set provider = 'bankid', identity_id = (
        select id from public.external_identity where user_id = ${pair.survivor.id}::uuid and provider = 'bankid')
      where id = ${by.claims.sid}::uuid`.execute(database.owner)
    const { logins } = (await api.call(contract.listLogins, by.claims)).body
    const ids = logins.flatMap(({ id, provider }: { id: string; provider: string }) =>
      provider === 'vipps' ? [id] : [],
    )
    expect(ids).toHaveLength(2)
    for (const id of ids) {
      expect(await api.call(contract.removeLogin, by.claims, { params: { id } })).toMatchObject({ status: 204 })
    }
    const { rows } = await sql`
      select from nokkel.account_merge_row j join nokkel.account_merge m on m.id = j.merge_id,
        unnest(array[j.before, j.after]) image
      where m.survivor_id = ${pair.survivor.id}::uuid and j.table_name = 'public.user_identities'
        and num_nonnulls(image ->> 'contact', image ->> 'phone_index', image ->> 'email_index') > 0`.execute(
      database.owner,
    )
    expect(rows).toEqual([])
    expect(await live(by)).toEqual(['personnummer', 'recognition'])
    const entries = await sql<{ organization: string; count: number }>`
      select organization_id as organization, count(*)::int as count from nokkel.audit_log
      where action = 'consent.withdraw' and organization_id in (${pair.organization}::uuid, ${pair.elsewhere}::uuid)
      group by 1`.execute(database.owner)
    expect(Object.fromEntries(entries.rows.map(({ organization, count }) => [organization, count]))).toEqual({
      [pair.organization]: 1,
      [pair.elsewhere]: 1,
    })
  })

  it('and was taken back since, comes back to neither', async () => {
    const pair = await merged()
    await withdraw(pair.survivor, 'personnummer')
    await withdraw(pair.survivor, 'contact')
    await withdraw(pair.survivor, 'recognition')
    const { rows } = await sql`
      select from nokkel.account_merge_row j join nokkel.account_merge m on m.id = j.merge_id,
        unnest(array[j.before, j.after]) image
      where m.survivor_id = ${pair.survivor.id}::uuid and j.table_name = 'public.user_identities' and num_nonnulls(image ->> 'personnummer', image ->> 'contact',
        image ->> 'phone_index', image ->> 'email_index', image ->> 'personnummer_index') > 0`.execute(database.owner)
    expect(rows).toEqual([])
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    for (const by of [pair.survivor, await back(pair)]) {
      expect((await status(by)).kept).toBeNull()
      expect(await contact(by)).toBeNull()
      expect(await live(by)).toEqual([])
      expect((await api.call(contract.getIdentity, by.claims)).body.identity.personnummerVerified).toBe(false)
    }
  })

  it('in one organisation, and was taken back there since, is taken back there from both', async () => {
    const pair = await merged()
    const [here] = (await consents(pair.survivor)).filter(
      ({ purpose, textVersion }) => purpose === 'contact' && textVersion === 'v1',
    ) as [contract.Consent]
    expect((await api.call(contract.withdrawConsent, pair.survivor.claims, { params: { id: here.id } })).status).toBe(
      204,
    )
    // The other organisation has a yes still.
    expect(await contact(pair.survivor)).not.toBeNull()
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    const other = await back(pair)
    // Of both the log says where it was taken back.
    const taken = [here, ...(await consents(other)).filter(({ withdrawnAt }) => withdrawnAt !== null)]
    expect(taken).toHaveLength(2)
    for (const { id } of taken) expect(await recorded('consent.withdraw', id)).toEqual([pair.organization])
    expect(await live(pair.survivor)).toEqual([])
    expect(await contact(pair.survivor)).toBeNull()
    expect(await live(other)).toEqual(['contact', 'personnummer', 'recognition'])
    expect(await contact(other)).not.toBeNull()
  })

  it('of a number that was kept since, is over with the number', async () => {
    const pair = await createPair(database, api)
    await sql`update public.user_identities set personnummer = null, personnummer_source = null, personnummer_kept_at = null
      where user_id = ${pair.other.id}::uuid`.execute(database.owner)
    await sql`delete from public.consent where user_id = ${pair.other.id}::uuid and purpose = 'personnummer'`.execute(
      database.owner,
    )
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    const { sub, sid, organization } = pair.survivor.claims
    await sql`select nokkel.keep_typed_personnummer(${sid}::uuid, ${sub}::uuid, ${organization}::uuid, null, 'v1',
      sha256('typed'), nokkel.person_key_of(${sub}::uuid))`.execute(database.server)
    await sql`insert into nokkel.offered_personnummer (user_id, personnummer, source)
      values (${sub}::uuid, sha256('offered'), 'bankid')`.execute(database.owner)
    expect(await live(pair.survivor)).toContain('personnummer')
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await status(pair.survivor)).toEqual({ kept: null, offered: null })
    expect(await live(pair.survivor)).toEqual(['contact'])
    expect(await live(await back(pair))).toEqual(['contact', 'contact', 'recognition'])
    const [{ id }] = (await consents(pair.survivor)).filter(({ purpose }) => purpose === 'personnummer') as [
      contract.Consent,
    ]
    const { rows } = await sql`
      select a.organization_id as organization, a.actor = p.pseudonym as "byAdministrator"
      from nokkel.audit_log a, nokkel.pseudonym p
      where a.action = 'consent.withdraw' and a.subject_id = ${id} and p.user_id = ${pair.administrator.id}::uuid`.execute(
      database.owner,
    )
    expect(rows).toEqual([{ organization: pair.organization, byAdministrator: true }])
  })

  it('by a Vipps that goes back with the undo, is over for who is left without one', async () => {
    const pair = await createPair(database, api)
    const { id } = pair.survivor
    await sql`delete from public.external_identity where user_id = ${id}::uuid`.execute(database.owner)
    await sql`delete from public.consent where user_id = ${id}::uuid`.execute(database.owner)
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    // Said since, at a login by the Vipps of the other one, to an organisation that neither had said it to.
    const third = await createOrganization(database)
    const { rows } = await sql<{ id: string }>`
      insert into public.consent (user_id, organization_id, purpose, shares, legal_basis, text_version)
      values (${id}::uuid, ${third}::uuid, 'contact', '{email}', 'gdpr-6-1-a', 'v3') returning id`.execute(
      database.owner,
    )
    expect(await contact(pair.survivor)).not.toBeNull()
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await live(pair.survivor)).toEqual([])
    expect(await contact(pair.survivor)).toBeNull()
    expect(await recorded('consent.withdraw', (rows as [{ id: string }])[0].id)).toEqual([third])
    expect(await live(await back(pair))).toEqual(['contact', 'contact', 'personnummer', 'recognition'])
  })

  it('under a key that goes with the undo, is kept all the same, under the key that is there then', async () => {
    const keptDuringUndo = async (keep: (pair: Pair, keyring: Keyring) => Promise<void>) => {
      const pair = await createPair(database, api)
      const { id } = pair.survivor
      // Nothing is kept of them yet, so their key is the one that the merge makes.
      await sql`update public.user_identities set contact = null, contact_updated_at = null, phone_index = null,
        email_index = null, contact_index_key = null where user_id = ${id}::uuid`.execute(database.owner)
      await sql`delete from nokkel.person_key where user_id = ${id}::uuid`.execute(database.owner)
      expect(await calls.merge(pair)).toMatchObject({ status: 200 })
      let undone = 0
      const keyring: Keyring = Object.assign(Object.create(api.keyring), {
        async unwrap(...[wrapped, context]: Parameters<Keyring['unwrap']>) {
          const key = await api.keyring.unwrap(wrapped, context)
          if (context.purpose === 'person-key' && undone++ === 0) {
            expect(await calls.undo(pair)).toMatchObject({ status: 200 })
          }
          return key
        },
      })
      await keep(pair, keyring)
      expect(undone).toBe(2)
      return pair.survivor
    }

    const typed = await keptDuringUndo(async ({ survivor: { id, claims } }, keyring) => {
      const { publicKey } = (await api.call(contract.getIdentityKey, claims)).body
      const context = { purpose: 'personnummer', table: 'user_identities', column: 'personnummer', row: id, owner: id }
      const sealed = encodeBase64Url(await seal(new TextEncoder().encode(own), publicKey, context))
      await keepPersonnummer(
        { database: database.server, keyring, allowSynthetic: true },
        { claims, requestId: crypto.randomUUID() },
        { from: 'typed', consent: { version: 'v1' }, sealed },
      )
    })
    expect(await status(typed)).toMatchObject({ kept: { masked: ownMasked, source: 'typed' } })
    expect(await api.call(contract.revealPersonnummer, typed.claims)).toMatchObject({ status: 200 })

    const told = { phoneNumber: null, email: 'kari@person.example', address: null }
    const reached = await keptDuringUndo(({ survivor: { id } }, keyring) =>
      keepContact({ database: database.server, keyring, logger: () => undefined }, id, async () => told),
    )
    expect(await contact(reached)).toMatchObject({ email: told.email })
  })

  it('of a number that changed after it was previewed, is not merged', async () => {
    const pair = await createPair(database, api)
    const { digest } = (await calls.preview(pair)).body
    const { key } = await obtainPersonKey(database.server, api.keyring, pair.other.id)
    const another = await encryptPersonnummer(personnummer as Personnummer, key, 'kept', pair.other.id)
    await sql`update public.user_identities set personnummer = ${another}
      where user_id = ${pair.other.id}::uuid`.execute(database.owner)
    expect((await calls.merge(pair, pair.administrator, digest)).code).toBe('merge_changed')
    expect(await live(pair.survivor)).toEqual(['contact'])
    expect(await status(pair.survivor)).toEqual({ kept: null, offered: null })
  })
})

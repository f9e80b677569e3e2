import * as contract from '@nokkel/contract'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { obtainPersonKey } from '../../packages/server/src/auth/person-key.ts'
import type { Personnummer } from '../../packages/server/src/auth/personnummer.ts'
import { encryptPersonnummer } from '../../packages/server/src/identity/personnummer-envelope.ts'
import { createTestApi, type TestApi } from '../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { type LoggedIn, logIn } from '../../tools/testing/people.ts'
import { callsOf } from './testing/calls.ts'
import { createPair, type Pair, personnummer } from './testing/pair.ts'

const masked = `${personnummer.slice(0, 6)}*****`

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
  const back = ({ organization, other }: Pair) => logIn(database, organization, other.id)

  it('moves to the account that is kept, and goes back', async () => {
    const pair = await createPair(database, api)
    const before = await back(pair)
    expect((await status(before)).kept.masked).toBe(masked)
    expect(await status(pair.survivor)).toEqual({ kept: null, offered: null })
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    expect(await status(pair.survivor)).toMatchObject({ kept: { masked, source: 'bankid' }, offered: null })
    expect(await live(pair.survivor)).toEqual(['contact', 'contact', 'personnummer', 'recognition'])
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await status(pair.survivor)).toEqual({ kept: null, offered: null })
    expect(await live(pair.survivor)).toEqual(['contact'])
    const again = await back(pair)
    expect((await status(again)).kept.masked).toBe(masked)
    expect(await live(again)).toEqual(['contact', 'contact', 'personnummer', 'recognition'])
  })

  it('stays as it is where the account that is kept has one of its own', async () => {
    const pair = await createPair(database, api)
    await sql`update public.user_identities
      set personnummer = sha256('own'), personnummer_source = 'typed', personnummer_kept_at = now()
      where user_id = ${pair.survivor.id}::uuid`.execute(database.owner)
    expect(await calls.merge(pair)).toMatchObject({ status: 200 })
    const { rows } = await sql<{ own: boolean; source: string }>`
      select personnummer = sha256('own') as own, personnummer_source as source from public.user_identities
      where user_id = ${pair.survivor.id}::uuid`.execute(database.owner)
    expect(rows).toEqual([{ own: true, source: 'typed' }])
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect((await status(await back(pair))).kept.masked).toBe(masked)
  })

  it('and was taken back since, comes back to neither', async () => {
    const pair = await merged()
    await withdraw(pair.survivor, 'personnummer')
    await withdraw(pair.survivor, 'contact')
    await withdraw(pair.survivor, 'recognition')
    const { rows } = await sql`
      select from nokkel.account_merge_row j, unnest(array[j.before, j.after]) image
      where j.table_name = 'public.user_identities' and num_nonnulls(image ->> 'personnummer', image ->> 'contact',
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
      sha256('typed'))`.execute(database.server)
    await sql`insert into nokkel.offered_personnummer (user_id, personnummer, source)
      values (${sub}::uuid, sha256('offered'), 'bankid')`.execute(database.owner)
    expect(await live(pair.survivor)).toContain('personnummer')
    expect(await calls.undo(pair)).toMatchObject({ status: 200 })
    expect(await status(pair.survivor)).toEqual({ kept: null, offered: null })
    expect(await live(pair.survivor)).toEqual(['contact'])
    expect(await live(await back(pair))).toEqual(['contact', 'contact', 'recognition'])
  })

  it('of a number that changed after it was previewed, is not merged', async () => {
    const pair = await createPair(database, api)
    const { digest } = (await calls.preview(pair)).body
    const key = await obtainPersonKey(database.server, api.keyring, pair.other.id)
    const another = await encryptPersonnummer(personnummer as Personnummer, key, 'kept', pair.other.id)
    await sql`update public.user_identities set personnummer = ${another}
      where user_id = ${pair.other.id}::uuid`.execute(database.owner)
    expect((await calls.merge(pair, pair.administrator, digest)).code).toBe('merge_changed')
    expect(await live(pair.survivor)).toEqual(['contact'])
    expect(await status(pair.survivor)).toEqual({ kept: null, offered: null })
  })
})

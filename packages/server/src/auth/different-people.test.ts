import { createHash, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { forgetEverybody } from '../../../../tools/testing/linking.ts'

/** A person as far as they are known: by BankIDs, by a number, both or neither. */
interface Known {
  readonly bankids?: readonly string[]
  readonly number?: string
}

const indexOf = (text: string) => new Uint8Array(createHash('sha256').update(text).digest())
const textOf = (bytes: Uint8Array) => `\\x${Buffer.from(bytes).toString('hex')}`

describe.each(databaseEngines)('two people or one [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  beforeEach(() => forgetEverybody(database))
  afterAll(() => database.close())

  async function createAccount({ bankids = [], number }: Known): Promise<string> {
    const id = randomUUID()
    await sql`insert into public.app_user (auth_user_id, name) values (${id}::uuid, 'Kari')`.execute(database.owner)
    for (const subject of bankids) {
      await sql`insert into public.external_identity (provider, client_id, subject, user_id)
        values ('bankid', '*', ${subject}, ${id}::uuid)`.execute(database.owner)
    }
    await sql`insert into public.user_identities
        (user_id, personnummer_index, personnummer_index_key, phone_index, email_index, contact_index_key)
      values (${id}::uuid, ${number ? indexOf(number) : null}::bytea, ${number ? 'key' : null},
        ${indexOf('phone')}::bytea, ${indexOf('email')}::bytea, 'key')`.execute(database.owner)
    return id
  }
  const loginOf = ({ bankids = [], number }: Known) => ({
    provider: bankids[0] ? 'bankid' : 'vipps',
    client_id: bankids[0] ? '*' : 'client',
    subject: bankids[0] ?? 'somebody',
    personnummer_index: number ? textOf(indexOf(number)) : null,
    personnummer_index_key: number ? 'key' : null,
    phone_index: textOf(indexOf('phone')),
    email_index: textOf(indexOf('email')),
    contact_index_key: 'key',
  })
  const ask = async (question: ReturnType<typeof sql<{ answer: unknown }>>) =>
    (await question.execute(database.owner)).rows[0]?.answer
  const login = (known: Known) =>
    sql`jsonb_populate_record(null::nokkel.verified_login, ${JSON.stringify(loginOf(known))}::jsonb)`

  it.each<[string, Known, Known, boolean]>([
    ['nothing known', {}, {}, false],
    ['one number', { number: 'n' }, { number: 'n' }, false],
    ['two numbers', { number: 'n' }, { number: 'm' }, true],
    ['one BankID', { bankids: ['a'] }, { bankids: ['a'] }, false],
    ['two BankIDs', { bankids: ['a'] }, { bankids: ['b'] }, true],
    ['two BankIDs, one with a number', { bankids: ['a'], number: 'n' }, { bankids: ['b'] }, true],
    ['two BankIDs of one number', { bankids: ['a'], number: 'n' }, { bankids: ['b'], number: 'n' }, false],
    ['two BankIDs of two numbers', { bankids: ['a'], number: 'n' }, { bankids: ['b'], number: 'm' }, true],
    ['one of two BankIDs of an account', { bankids: ['a', 'b'] }, { bankids: ['b'] }, false],
    ['a third BankID', { bankids: ['a', 'b'] }, { bankids: ['c'] }, true],
    ['a Vipps without a number', { bankids: ['a', 'b'], number: 'n' }, {}, false],
    ['a BankID, and a Vipps with a number', { bankids: ['a'] }, { number: 'n' }, false],
  ])('is told by %s', async (_, account, arriving, different) => {
    const id = await createAccount(account)
    expect(
      await ask(sql`select nokkel.are_different_people(${id}::uuid, ${login(arriving)}) as answer`),
      'account and login',
    ).toBe(different)
    if (account.bankids?.[1] === undefined) {
      expect(
        await ask(sql`select nokkel.are_different_people(null, ${login(account)}, null, ${login(arriving)}) as answer`),
        'two logins',
      ).toBe(different)
    }
    const found = sql<{ answer: string[] }>`select array(
      select c.id::text from nokkel.contact_accounts(${login(arriving)}, null, null, '{}') c) as answer`
    expect(await ask(found), 'phone and e-mail').toEqual(different ? [] : [id])
  })

  it.each<[string, Known, Known, boolean]>([
    ['nothing known', {}, {}, false],
    ['two numbers', { number: 'n' }, { number: 'm' }, true],
    ['two BankIDs', { bankids: ['a'] }, { bankids: ['b'] }, true],
    ['two BankIDs, one with a number', { bankids: ['a'], number: 'n' }, { bankids: ['b'] }, true],
    ['a BankID, and a number', { bankids: ['a'] }, { number: 'n' }, false],
  ])('is told of two accounts by %s', async (_, one, other, different) => {
    const [first, second] = [await createAccount(one), await createAccount(other)]
    for (const [id, otherId] of [
      [first, second],
      [second, first],
    ]) {
      const answer = await ask(sql`select nokkel.are_different_people(${id}::uuid, null, ${otherId}::uuid) as answer`)
      expect(answer).toBe(different)
    }
  })

  it('is told of an account and a login when the two fit each other and not a third', async () => {
    const [first, second] = [await createAccount({ bankids: ['a'] }), await createAccount({ bankids: ['b'] })]
    const answer = await ask(
      sql`select nokkel.are_different_people(${first}::uuid, ${login({ number: 'n' })}, ${second}::uuid) as answer`,
    )
    expect(answer).toBe(true)
  })
})

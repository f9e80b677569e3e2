import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { countAccounts, forgetEverybody, suspicions, tryLogin } from '../../tools/testing/linking.ts'
import { createLoginSystem, type LoginSystem } from '../../tools/testing/login.ts'
import { enter, equipSession, numberOf, openRevealed, personalDataOf } from '../../tools/testing/personal-data.ts'

const victim = 'likeperson-medlem-1'
const attacker = 'likeperson-medlem-2'
const withoutShare = ['name', 'birthDate']

describe.each(databaseEngines)('typed numbers [%s]', (engine) => {
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

  it("B types A's number before A's first BankID login", async () => {
    const b = await enter(system, 'bankid', { person: attacker, shares: withoutShare })
    const before = await data.type(b, numberOf(victim))
    expect(before.status).toBe(200)
    const unknown = await data.status(b)

    const first = await tryLogin(system, 'bankid', { person: victim })
    expect(first.body).toMatchObject({ outcome: 'account_created', personnummer: 'verified' })
    expect(first.body.userId).not.toBe(b.userId)
    expect(await countAccounts(database)).toBe(2)
    expect(await suspicions(database)).toEqual([])
    // Nor by another way in that tells the number.
    expect((await tryLogin(system, 'vipps', { person: victim })).body).toMatchObject({
      outcome: 'identity_linked',
      userId: first.body.userId,
    })

    const a = await enter(system, 'bankid', { person: victim })
    expect(a.userId).toBe(first.body.userId)
    expect((await data.keep(a)).status).toBe(200)

    // B sees what they saw before, and is answered as they were before.
    expect(await data.status(b)).toEqual(unknown)
    const after = await data.type(b, numberOf(victim))
    expect({ ...after.body, personnummer: null, updatedAt: null }).toEqual({
      ...before.body,
      personnummer: null,
      updatedAt: null,
    })
    expect(after.status).toBe(before.status)
    expect(after.body.personnummerVerified).toBe(false)
    expect((await enter(system, 'bankid', { person: attacker, shares: withoutShare })).userId).toBe(b.userId)
    expect(await suspicions(database)).toEqual([])

    // Each has what they gave, and A's is the one that is verified.
    const device = await equipSession(database, a)
    expect(await openRevealed((await data.reveal(a)).body.sealed, device)).toBe(numberOf(victim))
    const { rows } = await sql<{ id: string }>`
      select user_id as id from public.user_identities where personnummer_index is not null`.execute(database.owner)
    expect(rows).toEqual([{ id: a.userId }])
  })

  it("B types A's number and then logs in with the share: it is B's own that is verified", async () => {
    const b = await enter(system, 'bankid', { person: attacker, shares: withoutShare })
    await data.type(b, numberOf(victim))
    const again = await enter(system, 'bankid', { person: attacker })
    expect(again.userId).toBe(b.userId)
    expect((await data.keep(again)).status).toBe(200)
    const device = await equipSession(database, again)
    expect(await openRevealed((await data.reveal(again)).body.sealed, device)).toBe(numberOf(attacker))
    const a = await tryLogin(system, 'bankid', { person: victim })
    expect(a.body).toMatchObject({ outcome: 'account_created', personnummer: 'verified' })
    expect(await suspicions(database)).toEqual([])
  })
})

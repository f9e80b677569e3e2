import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { keepPersonnummer } from '../../packages/server/src/identity/keep.ts'
import type { Keyring } from '../../packages/server/src/keyring/keyring.ts'
import { givenRootKeys } from '../../packages/server/src/keyring/root-keys.ts'
import { createServerKeys } from '../../packages/server/src/keyring/server-keys.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../tools/testing/database.ts'
import { forgetEverybody } from '../../tools/testing/linking.ts'
import { createLoginSystem, type LoginSystem } from '../../tools/testing/login.ts'
import { enter, numberOf, personalDataOf, type Session } from '../../tools/testing/personal-data.ts'
import { watchDatabase } from '../faults/testing/watched-database.ts'

const masked = `${numberOf().slice(0, 6)}*****`

class Ended extends Error {}

describe.each(databaseEngines)('keeping a number, ended anywhere [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let keyring: Keyring
  let data: ReturnType<typeof personalDataOf>
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    data = personalDataOf(system)
    const rootKeys = givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] })
    const keys = createServerKeys(rootKeys, { database: database.server, logger: () => undefined, production: false })
    await keys.load()
    keyring = keys.keyring
  })
  beforeEach(() => forgetEverybody(database))
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  /** Ends at the point with that number, from then on answering nothing. @returns Whether it came so far. */
  async function keepUntil(session: Session, last: number, request: object): Promise<boolean> {
    let point = 0
    let ended = false
    const watched = watchDatabase(database.server, () => {
      if (ended || ++point === last) {
        ended = true
        throw new Ended()
      }
    })
    const caller = { claims: session.claims, requestId: crypto.randomUUID() }
    await keepPersonnummer(
      { database: watched, keyring, allowSynthetic: true },
      caller,
      request as Parameters<typeof keepPersonnummer>[2],
    ).catch((error: unknown) => {
      if (!(error instanceof Ended)) throw error
    })
    return ended
  }
  /** A kept number stands with its consent and a key that opens it, or not at all. */
  async function expectWhole(session: Session): Promise<'kept' | 'not kept'> {
    const { rows } = await sql<{ kept: boolean; consent: boolean; recorded: boolean }>`
      select i.personnummer is not null as kept,
        exists (select from public.consent c where c.user_id = i.user_id and c.purpose = 'personnummer'
          and c.withdrawn_at is null and c.replaced_at is null) as consent,
        exists (select from nokkel.audit_log a join nokkel.pseudonym p on p.pseudonym = a.actor
          where p.user_id = i.user_id and a.action = 'personnummer.keep' and a.outcome = 'allowed') as recorded
      from public.user_identities i where i.user_id = ${session.userId}::uuid`.execute(database.owner)
    const [row] = rows
    expect(row?.consent).toBe(row?.kept)
    expect(row?.recorded).toBe(row?.kept)
    const { kept } = await data.status(session)
    expect(kept !== null).toBe(row?.kept)
    return row?.kept ? 'kept' : 'not kept'
  }

  it('that a provider told: it is offered still, or kept', async () => {
    const request = { from: 'provider', consent: { version: 'storage-1' } }
    const outcomes = []
    for (let last = 1; ; last++) {
      const session = await enter(system, 'bankid')
      const ended = await keepUntil(session, last, request)
      outcomes.push(await expectWhole(session))
      const { kept, offered } = await data.status(session)
      expect([kept?.masked, offered?.masked].filter(Boolean)).toEqual([masked])
      // Asked again, it is kept.
      expect((await data.keep(session)).status).toBe(200)
      expect(await expectWhole(session)).toBe('kept')
      expect((await data.status(session)).offered).toBeNull()
      await forgetEverybody(database)
      if (!ended) break
    }
    expect(outcomes[0]).toBe('not kept')
    expect(outcomes.at(-1)).toBe('kept')
    expect(outcomes.length).toBeGreaterThanOrEqual(3)
  })

  it('that was typed: it is kept, or not', async () => {
    const outcomes = []
    for (let last = 1; ; last++) {
      const session = await enter(system, 'vipps', { shares: ['name', 'phoneNumber', 'email', 'address'] })
      const sealed = await data.sealTo(await data.identityKey(session), numberOf(), session.userId)
      const ended = await keepUntil(session, last, { from: 'typed', consent: { version: 'storage-1' }, sealed })
      outcomes.push(await expectWhole(session))
      expect((await data.keepSealed(session, sealed)).status).toBe(200)
      expect(await expectWhole(session)).toBe('kept')
      await forgetEverybody(database)
      if (!ended) break
    }
    expect(outcomes[0]).toBe('not kept')
    expect(outcomes.at(-1)).toBe('kept')
    expect(outcomes.length).toBeGreaterThanOrEqual(4)
  })
})

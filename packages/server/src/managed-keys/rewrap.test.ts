import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoggedIn, createRfx, readAudit, storeWrap, wrapNewKey } from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, refusalOf } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { createKeyQueue } from './key-queue.ts'
import { prepareKey } from './prepare-key.ts'
import { createPrivateKeys } from './private-key-cache.ts'
import { type RewrapDependencies, rewrapPage } from './rewrap.ts'
import { insertUserKeys } from './store.ts'

const [first, second] = testPrivateKeys

describe.each(databaseEngines)('room for moving wraps [%s]', (engine) => {
  let database: TestDatabase
  let api: TestApi
  let organization: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    api = await createTestApi(database)
    organization = await createOrganization(database)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })

  /** Somebody with an old key that `count` projects are wrapped to; gives how its wraps are moved. */
  async function equipped(count: number) {
    const person = await createLoggedIn(database, organization)
    const caller = { claims: person.claims, requestId: crypto.randomUUID() }
    const prepare = (text: string) => prepareKey(api.keyring, 'user', person.id, Buffer.from(text, 'base64'))
    const [old, active] = [await prepare(first), await prepare(second)]
    await insertUserKeys(database.server, caller, [old, active], undefined)
    for (let index = 0; index < count; index++) {
      const rfxId = await createRfx(database, organization)
      const { wrap } = await wrapNewKey(old.publicKey)
      await storeWrap(database, { rfxId, owner: 'user', ownerId: person.id, keyId: old.id }, wrap)
    }
    const place = { companyId: null, keyId: old.id }
    return { person, move: (dependencies: RewrapDependencies) => rewrapPage(dependencies, caller, place, undefined) }
  }

  function dependencies(maximumWaiting: number): RewrapDependencies & { readonly counted: number[] } {
    const counted: number[] = []
    return {
      database: database.server,
      queue: createKeyQueue({ concurrency: 1, maximumWaiting }),
      privateKeys: createPrivateKeys({ keyring: api.keyring, now: () => new Date(), maximumCopies: 1 }),
      async count(wraps) {
        counted.push(wraps)
      },
      counted,
    }
  }

  it('is taken for the wraps there are, each counted as one that is unwrapped', async () => {
    const two = await equipped(2)
    const room = dependencies(2)
    expect(await two.move(room)).toMatchObject({ rewrapped: 2, remaining: 0 })
    expect(room.counted).toEqual([2])
    const none = await equipped(0)
    expect(await none.move(dependencies(0))).toMatchObject({ rewrapped: 0, remaining: 0 })
  })

  it('is refused when there is too little, which is recorded, and nothing is moved', async () => {
    const { person, move } = await equipped(2)
    expect(await refusalOf(move(dependencies(1)))).toBe('key_queue_full')
    const recorded = (await readAudit(database)).filter(({ user }) => user === person.id).slice(-1)
    expect(recorded).toMatchObject([{ action: 'user_key.rewrap', outcome: 'refused', problem: 'key_queue_full' }])
    const { rows } = await sql`select from public.rfx_key_members m join public.user_key k on k.id = m.key_id
      where m.user_id = ${person.id}::uuid and k.state = 'superseded'`.execute(database.owner)
    expect(rows).toHaveLength(2)
  })
})

import { encodeBase64 } from '@nokkel/crypto'
import type { PostgresPool } from 'kysely'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoggedIn, createRfx, readAudit, readOrphans, storeWrap } from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, type LoggedIn } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { toServerError } from '../db/refusal.ts'
import { createAuthorise } from './authorise.ts'
import { decideItems } from './decisions.ts'
import { decryptOwn } from './decrypt.ts'
import type { CryptoDependencies } from './dependencies.ts'
import { encryptOwn } from './encrypt.ts'
import { createKeyQueue } from './key-queue.ts'
import { createPrivateKeys } from './private-key-cache.ts'
import { unwrapReadable } from './unwrap.ts'

const [text] = testPrivateKeys

describe.each(databaseEngines)('interrupted [%s]', (engine) => {
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

  const gone = new Kysely<unknown>({
    dialect: new PostgresDialect({
      pool: (): Promise<PostgresPool> => Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })),
    }),
  })
  function dependencies(changes: Partial<CryptoDependencies> = {}): CryptoDependencies {
    const { keyring = api.keyring } = changes
    return {
      database: database.server,
      keyring,
      authorise: createAuthorise((items) => decideItems(database.server, items)),
      queue: createKeyQueue({ concurrency: 2, maximumWaiting: 10 }),
      privateKeys: createPrivateKeys({ keyring, now: () => new Date(), maximumCopies: 1 }),
      ...changes,
    }
  }
  const callerOf = ({ claims }: LoggedIn) => ({ claims, requestId: crypto.randomUUID() })
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (cause) => toServerError(cause).code,
    )
  const newcomer = () => createLoggedIn(database, organization)
  const auditOf = async ({ id }: LoggedIn) =>
    (await readAudit(database))
      .filter(({ user }) => user === id)
      .map(({ action, outcome, problem }) => [action, outcome, ...(problem ? [problem] : [])].join(' '))

  it('stores nothing or everything when the database goes away before a key is stored', async () => {
    const kari = await newcomer()
    expect(await codeOf(encryptOwn(dependencies({ database: gone }), callerOf(kari), [text], undefined))).toBe(
      'unavailable',
    )
    const { rows } = await sql`select from public.user_key where user_id = ${kari.id}::uuid`.execute(database.owner)
    expect(rows).toEqual([])
    expect(await readOrphans(database)).toEqual([])
    expect(await auditOf(kari)).toEqual(['crypto_service.encrypt allowed'])
    expect(await encryptOwn(dependencies(), callerOf(kari), [text], undefined)).toMatchObject([
      { keyId: expect.any(String) },
    ])
  })

  it('answers no refusal that could not be recorded as one', async () => {
    const kari = await newcomer()
    const broken = [encodeBase64(new Uint8Array(2300))]
    expect(await codeOf(encryptOwn(dependencies({ database: gone }), callerOf(kari), broken, undefined))).toBe(
      'unavailable',
    )
  })

  it('computes nothing that was not decided', async () => {
    const kari = await newcomer()
    const [stored] = await encryptOwn(dependencies(), callerOf(kari), [text], undefined)
    if (!stored || 'code' in stored) throw new Error('The key was not stored')
    let computed = 0
    const keyring = {
      keyId: api.keyring.keyId,
      wrap: api.keyring.wrap,
      unwrap: async () => {
        computed++
        return new Uint8Array()
      },
    }
    const authorise = createAuthorise((items) => decideItems(gone, items))
    const undecided = dependencies({ keyring, authorise })
    const rfxId = await createRfx(database, organization)
    await storeWrap(
      database,
      { rfxId, owner: 'user', ownerId: kari.id, keyId: stored.keyId },
      encodeBase64(new Uint8Array(512)),
    )
    expect(await codeOf(decryptOwn(undecided, callerOf(kari), [stored]))).toBe('unavailable')
    expect(await codeOf(unwrapReadable(undecided, callerOf(kari), [{ rfxId, version: 1, via: 'user' }]))).toBe(
      'unavailable',
    )
    expect(computed).toBe(0)
    expect(await auditOf(kari)).toEqual(['crypto_service.encrypt allowed', 'user_key.create allowed'])
  })

  it('records what failed for another reason, and tells it as a failure of ours', async () => {
    const kari = await newcomer()
    const [stored] = await encryptOwn(dependencies(), callerOf(kari), [text], undefined)
    if (!stored || 'code' in stored) throw new Error('The key was not stored')
    const keyring = {
      keyId: api.keyring.keyId,
      wrap: api.keyring.wrap,
      unwrap: () => Promise.reject(new Error('The token was pulled out')),
    }
    expect(await codeOf(decryptOwn(dependencies({ keyring }), callerOf(kari), [stored]))).toBe('server_failed')
    expect((await auditOf(kari)).slice(-2)).toEqual([
      'crypto_service.decrypt allowed',
      'crypto_service.decrypt failed server_failed',
    ])
  })

  it('refuses before anything is decided when too many wait', async () => {
    const kari = await newcomer()
    const queue = createKeyQueue({ concurrency: 1, maximumWaiting: 1 })
    const room = queue.reserve(1)
    const wraps = [{ rfxId: crypto.randomUUID(), version: 1, via: 'user' as const }]
    expect(await codeOf(unwrapReadable(dependencies({ queue }), callerOf(kari), wraps))).toBe('key_queue_full')
    expect(await auditOf(kari)).toEqual([])
    room.release()
    expect(await unwrapReadable(dependencies({ queue }), callerOf(kari), wraps)).toEqual([{ code: 'open_refused' }])
    queue.reserve(1).release()
  })
})

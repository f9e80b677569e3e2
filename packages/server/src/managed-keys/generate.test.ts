import { cryptoService, generateUserKeys, listUserKeys } from '@nokkel/contract'
import { decodeBase64, type PrivateKeyBytes } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createCompanyOf, createLoggedIn, readAudit, readOrphans } from '../../../../tools/testing/managed-keys.ts'
import { createOrganization, type LoggedIn, refusalOf } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { withClaims } from '../db/with-claims.ts'
import { createAuthorise } from './authorise.ts'
import { decideItems } from './decisions.ts'
import { type GenerateDependencies, generateCompanyKey, generateUserKey } from './generate.ts'
import { createKeyPairPool } from './key-pair-pool.ts'
import { createKeyQueue } from './key-queue.ts'
import { createPrivateKeys } from './private-key-cache.ts'
import { selectUserKeys } from './store.ts'

describe.each(databaseEngines)('generated keys [%s]', (engine) => {
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

  const newcomer = () => createLoggedIn(database, organization)
  const callerOf = ({ claims }: LoggedIn) => ({ claims, requestId: crypto.randomUUID() })

  /** As the server has them, with ready-made keys in turn. */
  function dependencies(
    beforeTaking: () => Promise<unknown> = async () => undefined,
  ): GenerateDependencies & { taken(): number } {
    let taken = 0
    return {
      database: database.server,
      keyring: api.keyring,
      authorise: createAuthorise((items) => decideItems(database.server, items)),
      queue: createKeyQueue({ concurrency: 2, maximumWaiting: 10 }),
      privateKeys: createPrivateKeys({ keyring: api.keyring, now: () => new Date(), maximumCopies: 1 }),
      pool: {
        reserve: () => ({
          async take() {
            await beforeTaking()
            const text = testPrivateKeys[taken++ % testPrivateKeys.length] ?? ''
            return decodeBase64(text) as PrivateKeyBytes
          },
          release: () => undefined,
        }),
        warm: () => undefined,
        close: async () => undefined,
      },
      taken: () => taken,
    }
  }

  const problemsOf = async ({ id }: LoggedIn) =>
    (await readAudit(database))
      .filter(({ user }) => user === id)
      .map(({ action, outcome, problem }) => [action, outcome, ...(problem ? [problem] : [])].join(' '))

  describe('of a person', () => {
    it('are stored as those that a browser makes', async () => {
      const kari = await newcomer()
      const key = await generateUserKey(dependencies(), callerOf(kari), undefined)
      expect(key).toMatchObject({ state: 'active', encryptedPrivateKey: { v: 1 }, wraps: 0 })
      expect(await withClaims(database.server, kari.claims, selectUserKeys)).toEqual([key])
      const { data, iv } = key.encryptedPrivateKey ?? {}
      const opened = await api.call(cryptoService, kari.claims, { body: { action: 'decrypt', data, iv } })
      expect(opened.body).toEqual({ text: testPrivateKeys[0] })
      expect(await problemsOf(kari)).toEqual([
        'crypto_service.encrypt allowed',
        'user_key.create allowed',
        'crypto_service.decrypt allowed',
      ])
    })

    it('replace only the key that is named, and no key is made for nothing', async () => {
      const kari = await newcomer()
      const made = dependencies()
      const first = await generateUserKey(made, callerOf(kari), undefined)
      expect(await refusalOf(generateUserKey(made, callerOf(kari), undefined))).toBe('key_exists')
      expect(await refusalOf(generateUserKey(made, callerOf(kari), crypto.randomUUID()))).toBe('key_exists')
      expect(made.taken()).toBe(1)
      await generateUserKey(made, callerOf(kari), first.id)
      const keys = await withClaims(database.server, kari.claims, selectUserKeys)
      expect(keys.map(({ state }) => state)).toEqual(['active', 'superseded'])
      expect(await problemsOf(kari)).toContain('user_key.create refused key_exists')
    })

    it('are one when two are asked for at once', async () => {
      const kari = await newcomer()
      const made = dependencies()
      const results = await Promise.all([1, 2].map(() => refusalOf(generateUserKey(made, callerOf(kari), undefined))))
      expect(results.sort()).toEqual(['key_exists', null].sort())
      expect(await withClaims(database.server, kari.claims, selectUserKeys)).toHaveLength(1)
      expect(await readOrphans(database)).toEqual([])
    })

    it('are not stored when the session ends meanwhile', async () => {
      const kari = await newcomer()
      const end = () =>
        sql`update nokkel.session set ended_at = now(), ended_reason = 'revoked'
          where id = ${kari.claims.sid}::uuid`.execute(database.owner)
      expect(await refusalOf(generateUserKey(dependencies(end), callerOf(kari), undefined))).toBe('session_ended')
      const { rows } = await sql`select from public.user_key where user_id = ${kari.id}::uuid`.execute(database.owner)
      expect(rows).toEqual([])
      expect(await problemsOf(kari)).toEqual([
        'crypto_service.encrypt allowed',
        'user_key.create refused session_ended',
      ])
    })

    it('are refused to who would wait too long before anything is decided, recorded or counted', async () => {
      const organization = await createOrganization(database)
      const kari = await createLoggedIn(database, organization)
      const pool = createKeyPairPool({ concurrency: 1, maximumWaiting: 0, whenIdle: async () => undefined })
      const refused = generateUserKey({ ...dependencies(), pool }, callerOf(kari), undefined)
      await expect(refused).rejects.toMatchObject({ code: 'key_queue_full', data: { retryAfterSeconds: 1 } })
      expect(await problemsOf(kari)).toEqual([])
      const { rows } = await sql`select from nokkel.crypto_usage where organization_id = ${organization}::uuid`.execute(
        database.owner,
      )
      expect(rows).toEqual([])
    })

    it('are counted against the quota before any is made', async () => {
      const poor = await createOrganization(database)
      await sql`insert into nokkel.crypto_quota (organization_id, encrypt_daily) values (${poor}::uuid, 0)`.execute(
        database.owner,
      )
      const made = dependencies()
      const kari = await createLoggedIn(database, poor)
      expect(await refusalOf(generateUserKey(made, callerOf(kari), undefined))).toBe('quota_exceeded')
      expect(made.taken()).toBe(0)
    })
  })

  describe('of a company', () => {
    it('are for its administrators, and never shown', async () => {
      const kari = await newcomer()
      const companyId = await createCompanyOf(database, organization, { [kari.id]: 'administrator' })
      const key = await generateCompanyKey(dependencies(), callerOf(kari), companyId, undefined)
      expect(Object.keys(key).sort()).toEqual(
        [
          'createdAt',
          'destroyedAt',
          'id',
          'publicKey',
          'revokedAt',
          'state',
          'supersededAt',
          'thumbprint',
          'wraps',
        ].sort(),
      )
      expect(await readOrphans(database)).toEqual([])
      expect(await problemsOf(kari)).toEqual(['crypto_service.encrypt allowed', 'company_key.create allowed'])
    })

    it('are refused to members, to others and to other organisations', async () => {
      const [administrator, member, other] = [await newcomer(), await newcomer(), await newcomer()]
      const roles = { [administrator.id]: 'administrator', [member.id]: 'member' } as const
      const companyId = await createCompanyOf(database, organization, roles)
      const made = dependencies()
      const generate = (person: LoggedIn) => refusalOf(generateCompanyKey(made, callerOf(person), companyId, undefined))
      const stranger = await createLoggedIn(database, await createOrganization(database))
      expect([await generate(member), await generate(other), await generate(stranger)]).toEqual([
        'forbidden',
        'not_found',
        'not_found',
      ])
      expect(made.taken()).toBe(0)
      expect(await problemsOf(member)).toEqual(['company_key.create refused forbidden'])
    })

    it('are not stored by who stops being an administrator meanwhile', async () => {
      const kari = await newcomer()
      const companyId = await createCompanyOf(database, organization, { [kari.id]: 'administrator' })
      const demote = () =>
        sql`update public.company_member set role = 'member' where company_id = ${companyId}::uuid`.execute(
          database.owner,
        )
      expect(await refusalOf(generateCompanyKey(dependencies(demote), callerOf(kari), companyId, undefined))).toBe(
        'forbidden',
      )
    })

    it('replace only the key that is named', async () => {
      const kari = await newcomer()
      const companyId = await createCompanyOf(database, organization, { [kari.id]: 'administrator' })
      const made = dependencies()
      const generate = (replaces?: string) => generateCompanyKey(made, callerOf(kari), companyId, replaces)
      const first = await generate()
      expect(await refusalOf(generate())).toBe('key_exists')
      expect(await generate(first.id)).toMatchObject({ state: 'active' })
      expect(await readOrphans(database)).toEqual([])
    })
  })
})

describe('generated keys over HTTP', () => {
  it('are made by the server itself', async () => {
    const database = await createTestDatabase('pglite')
    const api = await createTestApi(database)
    const kari = await createLoggedIn(database, await createOrganization(database))
    const generated = await api.call(generateUserKeys, kari.claims, { body: {} })
    expect(generated).toMatchObject({ status: 201, body: { state: 'active' } })
    expect((await api.call(listUserKeys, kari.claims)).body.keys).toEqual([generated.body])
    await api.close()
    await database.close()
  }, 60_000)
})

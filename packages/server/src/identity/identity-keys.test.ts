import { syntheticNationalNumber } from '@nokkel/sandbox'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem } from '../../../../tools/testing/login.ts'
import { enter, personalDataOf, type Session } from '../../../../tools/testing/personal-data.ts'
import type { Keyring } from '../keyring/keyring.ts'
import { givenRootKeys } from '../keyring/root-keys.ts'
import { createServerKeys } from '../keyring/server-keys.ts'
import { currentIdentityKey, replaceIdentityKey } from './identity-keys.ts'
import { insertIdentityKey } from './store.ts'

const typed = syntheticNationalNumber('1971-06-09')

describe.each(databaseEngines)('the identity key [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let keyring: Keyring
  let session: Session
  let data: ReturnType<typeof personalDataOf>
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
    data = personalDataOf(system)
    const rootKeys = givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] })
    const keys = createServerKeys(rootKeys, { database: database.server, logger: () => undefined, production: false })
    await keys.load()
    keyring = keys.keyring
    session = await enter(system, 'vipps')
  })
  beforeEach(() => sql`delete from nokkel.identity_key`.execute(database.owner))
  afterAll(async () => {
    await system.close()
    await database.close()
  })
  const rows = async () =>
    (
      await sql<{ kid: string }>`select kid from nokkel.identity_key order by replaced_at nulls first`.execute(
        database.owner,
      )
    ).rows
  /** What the log has of it. */
  const changes = async () =>
    (
      await sql<{ action: string; kid: string }>`
        select action, subject_id as kid from nokkel.audit_log where subject_type = 'identity_key'
        order by id`.execute(database.owner)
    ).rows
  const dependencies = () => ({ database: database.server, keyring })

  it('is made when it is first needed, and is the same from then on', async () => {
    expect(await rows()).toEqual([])
    const key = await data.identityKey(session)
    expect(key).toEqual({ kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String) })
    expect(await data.identityKey(session)).toEqual(key)
    expect(await rows()).toHaveLength(1)
  })

  it('is one, made by many servers at the same time', async () => {
    const before = await changes()
    const keys = await Promise.all(Array.from({ length: 6 }, () => currentIdentityKey(dependencies())))
    expect(new Set(keys.map(({ x }) => x)).size).toBe(1)
    const [{ kid }] = (await rows()) as [{ kid: string }]
    expect((await changes()).slice(before.length)).toEqual([{ action: 'identity_key.create', kid }])
  })

  it('is replaced by one of several that are made in its place', async () => {
    const publicKey = await data.identityKey(session)
    const [{ kid: replaced }] = (await rows()) as [{ kid: string }]
    const recorded = await changes()
    const made = ['one', 'two', 'three'].map((kid) => ({ kid, publicKey, wrappedPrivateKey: new Uint8Array(1) }))
    const stands = await Promise.all(made.map((key) => insertIdentityKey(database.server, key, replaced)))
    expect(stands.filter(Boolean)).toHaveLength(1)
    const { kid } = made[stands.indexOf(true)] as { kid: string }
    expect(await rows()).toEqual([{ kid }, { kid: replaced }])
    expect((await changes()).slice(recorded.length)).toEqual([{ action: 'identity_key.rotate', kid }])
  })

  it('is another one after it was replaced', async () => {
    const before = await data.identityKey(session)
    expect(await replaceIdentityKey(dependencies())).toMatch(/^[\w-]{43}$/)
    expect((await data.identityKey(session)).x).not.toBe(before.x)
  })

  it('opens what is under way for an hour after it was replaced, and nothing later', async () => {
    const before = await data.identityKey(session)
    const sealed = () => data.sealTo(before, typed, session.userId)
    await replaceIdentityKey(dependencies())
    expect((await data.keepSealed(session, await sealed())).status).toBe(200)
    await sql`update nokkel.identity_key set replaced_at = now() - interval '1 hour' where replaced_at is not null`.execute(
      database.owner,
    )
    expect(await data.keepSealed(session, await sealed())).toMatchObject({
      status: 409,
      body: { code: 'identity_key_unknown' },
    })
    await sql`select nokkel.sweep_personal_data()`.execute(database.owner)
    expect(await rows()).toHaveLength(1)
    expect((await data.type(session, typed)).status).toBe(200)
  })

  it('that does not open is a fault of ours and not of what was typed', async () => {
    const sealed = await data.sealTo(await data.identityKey(session), typed, session.userId)
    await sql`update nokkel.identity_key set wrapped_private_key = sha256('lost')`.execute(database.owner)
    expect(await data.keepSealed(session, sealed)).toMatchObject({ status: 500, body: { code: 'server_failed' } })
    expect(JSON.stringify(system.logged)).not.toContain(typed)
  })
})

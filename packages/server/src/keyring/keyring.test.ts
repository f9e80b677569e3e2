import { importEnvelopeKey } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestTables } from '../../../../tests/faults/testing/table-digests.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createBlindIndex } from '../auth/blind-index.ts'
import {
  createNokkelServer,
  createProviderRegistry,
  generateRootKeys,
  givenRootKeys,
  type NokkelServerOptions,
  type RootKeyProvider,
  readIndexKeyVersions,
  retireIndexKey,
} from '../index.ts'
import { createKeyring } from './keyring.ts'

const masterKey = '0123456789abcdef'.repeat(4)
const [second, third] = ['1f'.repeat(32), '2f'.repeat(32)] as const
const indexKey = 'ab'.repeat(32)
const place = { purpose: 'test', table: 'test', column: 'test', row: '1', owner: 'test' }

describe('keyring', () => {
  const keyOf = (byte: number) => importEnvelopeKey(new Uint8Array(32).fill(byte))

  it('opens what it wrapped, in its place, and counts it first', async () => {
    const counted: string[] = []
    const keyring = createKeyring([await keyOf(7)], async () => void counted.push('wrap'))
    const envelope = await keyring.wrap(new Uint8Array([1, 2, 3]), place)
    expect(await keyring.unwrap(envelope, place)).toEqual(new Uint8Array([1, 2, 3]))
    await expect(keyring.unwrap(envelope, { ...place, row: '2' })).rejects.toMatchObject({ code: 'open_failed' })
    expect(counted).toEqual(['wrap'])
  })

  it('wraps with the first key and opens with the one that is named, no other', async () => {
    const count = async () => undefined
    const [old, current, both] = [
      createKeyring([await keyOf(1)], count),
      createKeyring([await keyOf(2)], count),
      createKeyring([await keyOf(2), await keyOf(1)], count),
    ]
    const [byOld, byBoth] = await Promise.all([old, both].map((keyring) => keyring.wrap(new Uint8Array([5]), place)))
    expect(both.keyId).toBe(current.keyId)
    expect(await both.unwrap(byOld as Uint8Array, place)).toEqual(new Uint8Array([5]))
    expect(await current.unwrap(byBoth as Uint8Array, place)).toEqual(new Uint8Array([5]))
    for (const envelope of [byBoth as Uint8Array, new Uint8Array(60), new Uint8Array()]) {
      await expect(old.unwrap(envelope, place)).rejects.toMatchObject({ code: 'open_failed' })
    }
  })

  it('makes nothing that it could not count', async () => {
    const keyring = createKeyring([await keyOf(7)], () => Promise.reject(new Error('no more')))
    await expect(keyring.wrap(new Uint8Array([1]), place)).rejects.toThrow('no more')
  })
})

describe.each(databaseEngines)('start [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  const createServer = (rootKeys: RootKeyProvider, changes: Partial<NokkelServerOptions> = {}) =>
    createNokkelServer({
      database: database.server,
      publicUrl: 'http://localhost:3000',
      rootKeys,
      providers: createProviderRegistry([]),
      mode: 'development',
      logger: () => undefined,
      ...changes,
    })
  const given = (...masterKeys: string[]) => givenRootKeys({ masterKeys, indexKeys: [indexKey] })
  const ready = (...masterKeys: string[]) => createServer(given(...masterKeys)).ready()
  const idOf = async (key: string) => (await importEnvelopeKey(Buffer.from(key, 'hex'))).id
  const versions = async () => {
    const { rows } = await sql<{ key_id: string }>`select key_id from nokkel.master_key_version`.execute(database.owner)
    return rows.map(({ key_id }) => key_id).sort()
  }
  const refuses = async (start: () => Promise<void>, message: RegExp | string) => {
    const before = await digestTables(database)
    await expect(start()).rejects.toThrow(message)
    expect(await digestTables(database)).toEqual(before)
  }

  it('touches nothing when production mode refuses the keys', async () => {
    const start = () =>
      createServer(given(masterKey), { mode: 'production', publicUrl: 'https://keys.example.no' }).ready()
    await refuses(start, 'A master key is not random; make one with nokkel keyring generate.')
    expect(await versions()).toEqual([])
  })

  it('takes the first master keys once, of servers that start at the same time', async () => {
    const starts = await Promise.allSettled(['4f', '5f', '6f'].map((byte) => ready(byte.repeat(32))))
    const started = starts.filter(({ status }) => status === 'fulfilled')
    expect(started).toHaveLength(1)
    expect(await versions()).toHaveLength(1)
    await sql`delete from nokkel.session_key`.execute(database.owner)
    await sql`delete from nokkel.master_key_version`.execute(database.owner)
  })

  it('takes the first master key, and the same one again', async () => {
    await ready(masterKey)
    await ready(masterKey)
    expect(await versions()).toEqual([await idOf(masterKey)])
  })

  it('refuses another one in a sentence that names both, and touches nothing', async () => {
    const sentence = `The master key is not the one this database was opened with: it needs the key with id ${await idOf(masterKey)} (for 1 session key), and was given ${await idOf(second)}.`
    await refuses(() => ready(second), sentence)
  })

  it('refuses another index key, and touches nothing', async () => {
    const other = givenRootKeys({ masterKeys: [masterKey, second], indexKeys: ['01'.repeat(32)] })
    await refuses(
      () => createServer(other).ready(),
      /^The index key is not the one this database was opened with: it needs the key with id \S+, and was given \S+\.$/,
    )
  })

  it('takes a further index key only beside the one before it, and needs both until that is retired', async () => {
    const [a, b, c] = [indexKey, 'bc'.repeat(32), 'cd'.repeat(32)] as const
    const start = (...indexKeys: string[]) =>
      createServer(givenRootKeys({ masterKeys: [masterKey], indexKeys })).ready()
    const id = async (key: string) => createBlindIndex(Buffer.from(key, 'hex')).keyId()
    const [idOfA, idOfB, idOfC] = await Promise.all([id(a), id(b), id(c)])
    const needs = (ids: string, given: string) =>
      `The index key is not the one this database was opened with: it needs ${ids}, and was given ${given}.`

    await refuses(() => start(b), needs(`the key with id ${idOfA}`, idOfB))
    await refuses(() => start(b, c), needs(`the key with id ${idOfA}`, `${idOfB}, ${idOfC}`))
    await refuses(() => start(a, b), `The previous index key, with id ${idOfB}, is none that this database knows.`)
    await start(b, a)
    await start(b, a)
    await refuses(() => start(a), needs(`the keys with ids ${idOfB}, ${idOfA}`, idOfA))
    await refuses(() => start(b), needs(`the keys with ids ${idOfB}, ${idOfA}`, idOfB))
    await refuses(() => start(c, b), needs(`the keys with ids ${idOfB}, ${idOfA}`, `${idOfC}, ${idOfB}`))
    await refuses(
      () => start(a, b),
      `The index key with id ${idOfA} is an older one: the one with id ${idOfB} comes first.`,
    )

    expect(await retireIndexKey(database.server)).toEqual({ keyId: idOfA, retired: true, forgotten: 0 })
    await start(b)
    await start(b, a)
    await refuses(() => start(a), needs(`the key with id ${idOfB}`, idOfA))
    await refuses(
      () => start(a, b),
      `The index key with id ${idOfA} is an older one: the one with id ${idOfB} comes first.`,
    )
    await refuses(() => start(b, c), `The previous index key, with id ${idOfC}, is none that this database knows.`)
    await sql`delete from nokkel.index_key_version where key_id = ${idOfB}`.execute(database.owner)
    await sql`update nokkel.index_key_version set retired_at = null`.execute(database.owner)
  })

  it('lets one of several index keys through that come at the same time', async () => {
    const comers = ['2c', '3c', '4c'].map((byte) =>
      createServer(givenRootKeys({ masterKeys: [masterKey], indexKeys: [byte.repeat(32), indexKey] })).ready(),
    )
    const outcomes = await Promise.allSettled(comers)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const { rows } = await sql`select from nokkel.index_key_version`.execute(database.owner)
    expect(rows).toHaveLength(2)
    await sql`delete from nokkel.index_key_version v where v.n > (select min(n) from nokkel.index_key_version)`.execute(
      database.owner,
    )
  })

  it('takes a present and a previous index key in a new database, the present one as the newer', async () => {
    const fresh = await createTestDatabase(engine)
    const indexKeys = ['bc'.repeat(32), indexKey]
    await createServer(givenRootKeys({ masterKeys: [masterKey], indexKeys }), { database: fresh.server }).ready()
    expect((await readIndexKeyVersions(fresh.server)).map(({ state }) => state)).toEqual(['previous', 'present'])
    await fresh.close()
  })

  const retired = async () => {
    const { rows } = await sql<{ key_id: string }>`
      select key_id from nokkel.master_key_version where retired_at is not null`.execute(database.owner)
    return rows.map(({ key_id }) => key_id).sort()
  }

  it('takes a further master key beside the known one, and needs that as long as it protects something', async () => {
    await ready(second, masterKey)
    expect(await versions()).toEqual([await idOf(masterKey), await idOf(second)].sort())
    await refuses(() => ready(second), `${await idOf(masterKey)} (for 1 session key)`)
    await refuses(() => ready(third), await idOf(masterKey))
    await refuses(() => ready(third, second), await idOf(masterKey))
    await ready(masterKey, second)
    expect(await retired()).toEqual([])
  })

  it('starts without a master key that protects nothing, retires it, and takes it back', async () => {
    await sql`delete from nokkel.session_key`.execute(database.owner)
    await refuses(() => ready(third), /it needs the keys with ids [\w-]{22}, [\w-]{22}, and was given [\w-]{22}\.$/)
    await ready(second)
    expect(await retired()).toEqual([await idOf(masterKey)])
    await ready(second)
    expect(await retired()).toEqual([await idOf(masterKey)])
    await refuses(() => ready(masterKey), `${await idOf(second)} (for 1 session key)`)
    await ready(masterKey, second)
    expect(await retired()).toEqual([])
    await sql`delete from nokkel.session_key`.execute(database.owner)
    await ready(masterKey)
    expect(await retired()).toEqual([await idOf(second)])
    await ready(masterKey, second)
    expect(await retired()).toEqual([])
  })

  it('lets nobody retire a master key that has been taken into use meanwhile', async () => {
    const register = (...verified: string[]) =>
      sql<{
        registered: boolean
      }>`select nokkel.register_root_keys(${verified}::text[], '{}', '{}', array[index.key_id])
        as registered from nokkel.index_key_versions() index`.execute(database.server)
    const before = await digestTables(database)
    expect((await register(await idOf(second))).rows).toEqual([{ registered: false }])
    expect((await register()).rows).toEqual([{ registered: false }])
    expect(await digestTables(database)).toEqual(before)
  })

  it('refuses a check value that was altered, before it adds anything', async () => {
    const alter = sql`update nokkel.master_key_version
      set check_value = set_byte(check_value, 40, get_byte(check_value, 40) # 1) where key_id = ${await idOf(second)}`
    await alter.execute(database.owner)
    await refuses(
      () => ready(masterKey, second, third),
      `The check value of the master key with id ${await idOf(second)}`,
    )
    await alter.execute(database.owner)
    await ready(masterKey, second)
  })

  it('asks for the keys once, also when the database is not ready yet, and overwrites them', async () => {
    const keys = await given(masterKey, second).load()
    let loads = 0
    const server = createServer({
      load: async () => {
        loads += 1
        return keys
      },
    })
    const away = sql`alter function nokkel.master_key_versions() rename to away`
    const back = sql`alter function nokkel.away() rename to master_key_versions`
    await away.execute(database.owner)
    await expect(server.ready()).rejects.toThrow()
    await back.execute(database.owner)
    await server.ready()
    expect(loads).toBe(1)
    for (const key of [...keys.masterKeys, ...keys.indexKeys]) expect(key).toEqual(new Uint8Array(32))
  })

  it('asks again when the keys could not be had', async () => {
    const answers = [() => Promise.reject(new Error('The token is not there.')), () => given(masterKey, second).load()]
    const server = createServer({ load: () => (answers.shift() ?? Promise.reject)() })
    await refuses(() => server.ready(), 'The token is not there.')
    await server.ready()
  })

  it('answers 503 with the reason while it is not ready, and lives', async () => {
    const server = createServer(given('f'.repeat(64)))
    const get = async (path: string) => {
      const response = await server.fetch(new Request(`http://localhost:3000${path}`))
      return { status: response.status, body: await response.json() }
    }
    expect(await get('/nokkel/health')).toMatchObject({ status: 200 })
    const unavailable = { status: 503, body: { code: 'unavailable', detail: expect.stringContaining('master key') } }
    expect(await get('/nokkel/ready')).toMatchObject(unavailable)
    expect(await get('/nokkel/organizations')).toMatchObject(unavailable)
  })

  it('starts in production with keys that are random', async () => {
    const fresh = await createTestDatabase(engine)
    const server = createServer(
      { load: async () => generateRootKeys() },
      { database: fresh.server, mode: 'production', publicUrl: 'https://keys.example.no' },
    )
    await server.ready()
    await fresh.close()
  })

  it('refuses a schema that is not its own', async () => {
    const replace = (version: string) =>
      sql`create or replace function nokkel.schema_version() returns text language sql immutable set search_path = '' as
        ${sql.lit(`select '${version}'`)}`.execute(database.owner)
    await replace('20000101000000')
    await expect(ready(masterKey)).rejects.toThrow('pending migrations')
    await replace('29991231000000')
    await expect(ready(masterKey)).rejects.toThrow('newer migrations')
  })

  it('refuses to work as anyone but nokkel_server', async () => {
    await expect(createServer(given(masterKey), { database: database.owner }).ready()).rejects.toThrow('nokkel_server')
  })
})

describe('options', () => {
  const options = () => ({
    database: 'postgres://nokkel_server@localhost/nokkel',
    publicUrl: 'https://keys.example.no',
    rootKeys: givenRootKeys({ masterKeys: [masterKey], indexKeys: [indexKey] }),
    providers: createProviderRegistry([]),
  })
  const connection = {
    provider: 'bankid',
    organization: 'a',
    clientId: 'a',
    authentication: { method: 'client_secret_basic', secret: 'x' },
  } as const

  it.each([
    ['a public URL that is none', { publicUrl: 'keys.example.no' }],
    ['a public URL without TLS in production', { publicUrl: 'http://keys.example.no' }],
    ['a database that is no Postgres', { database: 'mysql://x' }],
    [
      'an issuer without TLS in production',
      { providers: createProviderRegistry([{ ...connection, issuer: 'http://localhost/' }]) },
    ],
    [
      'an issuer without TLS that is not this machine',
      { mode: 'development', providers: createProviderRegistry([{ ...connection, issuer: 'http://evil.example/' }]) },
    ],
  ])('refuses %s', (_, changes) => {
    const given = { ...options(), ...changes } as ReturnType<typeof options>
    expect(() => createNokkelServer(given)).toThrow(TypeError)
  })

  it('refuses two connections of one organisation to one provider', () => {
    const one = { ...connection, issuer: 'https://a.example' }
    expect(() => createProviderRegistry([one, one])).toThrow('bankid/a')
  })
})

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createNokkelServer, createProviderRegistry, givenRootKeys } from '../index.ts'
import { createKeyring } from './keyring.ts'

const masterKey = '0123456789abcdef'.repeat(4)
const indexKey = 'ab'.repeat(32)
const place = { purpose: 'test', table: 'test', column: 'test', row: '1', owner: 'test' }

function thrownBy(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

describe('keyring', () => {
  it('opens what it wrapped, in its place', async () => {
    const keyring = await createKeyring([new Uint8Array(32).fill(7)])
    const envelope = await keyring.wrap(new Uint8Array([1, 2, 3]), place)
    expect(await keyring.unwrap(envelope, place)).toEqual(new Uint8Array([1, 2, 3]))
    await expect(keyring.unwrap(envelope, { ...place, row: '2' })).rejects.toMatchObject({ code: 'open_failed' })
  })

  it.each(['', 'xyz', masterKey.slice(1), `${masterKey}0`, ` ${masterKey.slice(1)}`, 7])(
    'refuses the master key %j without repeating it',
    (text) => {
      const error = thrownBy(() => givenRootKeys({ masterKeys: [text as string], indexKey }))
      expect(error).toBeInstanceOf(TypeError)
      if (String(text).length > 1) expect((error as Error).message).not.toContain(String(text).trim())
    },
  )
})

describe.each(databaseEngines)('start [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  const createServer = (key: string, index = indexKey) =>
    createNokkelServer({
      database: database.server,
      publicUrl: 'http://localhost:3000',
      rootKeys: givenRootKeys({ masterKeys: [key], indexKey: index }),
      providers: createProviderRegistry([]),
      mode: 'development',
      logger: () => undefined,
    })
  const ready = (key: string) => createServer(key).ready()

  it('takes the first master key, and the same one again', async () => {
    await ready(masterKey)
    await ready(masterKey)
    const { rows } = await sql`select key_id from nokkel.master_key_version`.execute(database.owner)
    expect(rows).toHaveLength(1)
  })

  it('refuses another one in a sentence, and touches nothing', async () => {
    await ready(masterKey)
    const look = sql`select (select jsonb_agg(v order by key_id) from nokkel.master_key_version v) as versions,
      (select jsonb_agg(k order by kid) from nokkel.session_key k) as keys`
    const before = (await look.execute(database.owner)).rows
    await expect(ready('f'.repeat(64))).rejects.toThrow(
      /^The master key is not the one this database was opened with: .*\.$/,
    )
    expect((await look.execute(database.owner)).rows).toEqual(before)
  })

  it('refuses another index key, and touches nothing', async () => {
    await ready(masterKey)
    const server = createServer(masterKey, '01'.repeat(32))
    await expect(server.ready()).rejects.toThrow(/^The index key is not the one this database was opened with: .*\.$/)
    const { rows } = await sql`select key_id from nokkel.index_key_version`.execute(database.owner)
    expect(rows).toHaveLength(1)
  })

  it('answers 503 with the reason while it is not ready, and lives', async () => {
    const server = createServer('f'.repeat(64))
    const get = async (path: string) => {
      const response = await server.fetch(new Request(`http://localhost:3000${path}`))
      return { status: response.status, body: await response.json() }
    }
    expect(await get('/nokkel/health')).toMatchObject({ status: 200 })
    const unavailable = { status: 503, body: { code: 'unavailable', detail: expect.stringContaining('master key') } }
    expect(await get('/nokkel/ready')).toMatchObject(unavailable)
    expect(await get('/nokkel/organizations')).toMatchObject(unavailable)
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
    const server = createNokkelServer({
      database: database.owner,
      publicUrl: 'http://localhost:3000',
      rootKeys: givenRootKeys({ masterKeys: [masterKey], indexKey }),
      providers: createProviderRegistry([]),
      mode: 'development',
      logger: () => undefined,
    })
    await expect(server.ready()).rejects.toThrow('nokkel_server')
  })
})

describe('options', () => {
  const options = () => ({
    database: 'postgres://nokkel_server@localhost/nokkel',
    publicUrl: 'https://keys.example.no',
    rootKeys: givenRootKeys({ masterKeys: [masterKey], indexKey }),
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

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestTables } from '../../../../tests/faults/testing/table-digests.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import {
  createNokkelServer,
  createProviderRegistry,
  generateRootKeys,
  givenRootKeys,
  type LogEntry,
  type NokkelServer,
  type NokkelServerOptions,
  type RootKeyProvider,
  sharedRootKeys,
  splitKeyring,
} from '../index.ts'
import { serve } from '../node/serve.ts'

const publicUrl = 'http://localhost:3000'

describe.each(databaseEngines)('sealed start [%s]', (engine) => {
  let database: TestDatabase
  let file: string
  let shares: readonly string[]
  let logged: LogEntry[] = []
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    const split = await splitKeyring(generateRootKeys(), { count: 3, threshold: 2 })
    file = split.file
    shares = split.shares
  })
  afterAll(() => database.close())

  const createServer = (
    rootKeys: RootKeyProvider = sharedRootKeys(file),
    changes: Partial<NokkelServerOptions> = {},
  ) => {
    logged = []
    return createNokkelServer({
      database: database.server,
      publicUrl,
      rootKeys,
      providers: createProviderRegistry([]),
      mode: 'development',
      logger: (entry) => logged.push(entry),
      ...changes,
    })
  }
  const call = async (server: NokkelServer, method: string, path: string, body?: unknown) => {
    const response = await server.fetch(
      new Request(`${publicUrl}${path}`, {
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      }),
    )
    return { status: response.status, body: await response.json() }
  }
  const give = (server: NokkelServer, share = '') => call(server, 'POST', '/nokkel/unseal', { share })

  const others = [
    ['GET', '/nokkel/ready'],
    ['GET', '/nokkel/organizations'],
    ['POST', '/nokkel/login'],
    ['POST', '/nokkel/session/refresh'],
    ['GET', '/nokkel/.well-known/jwks.json'],
    ['GET', '/nokkel/openapi.json'],
    ['POST', '/crypto-service'],
    ['POST', '/generate-user-keys'],
    ['POST', '/generate-company-keys'],
    ['POST', '/nokkel/rfx/00000000-0000-4000-8000-000000000001/bids'],
    ['POST', '/nokkel/rfx/00000000-0000-4000-8000-000000000001/bids/00000000-0000-4000-8000-000000000002/release'],
  ] as const

  it('answers everything with how many shares are given, touches nothing, and lives', async () => {
    const before = await digestTables(database)
    const server = createServer()
    expect(server.sealed()).toBe(true)
    await expect(server.ready()).rejects.toThrow('0 of 2 shares are given.')
    for (const [given, share] of [shares[2], undefined].entries()) {
      for (const [method, path] of others) {
        expect([path, await call(server, method, path, method === 'POST' ? {} : undefined)]).toMatchObject([
          path,
          { status: 503, body: { code: 'sealed', detail: `${given} of 2 shares are given.` } },
        ])
      }
      expect(await call(server, 'GET', '/nokkel/health')).toMatchObject({ status: 200 })
      expect(await call(server, 'GET', '/nokkel/seal')).toEqual({
        status: 200,
        body: { sealed: true, required: 2, received: given },
      })
      if (share) await give(server, share)
    }
    expect(await digestTables(database)).toEqual(before)
    await server.close()
  })

  it('starts by itself with the last share', async () => {
    const server = createServer()
    await give(server, shares[0])
    expect(await give(server, shares[1])).toEqual({
      status: 200,
      body: { sealed: false, required: 2, received: 2 },
    })
    await expect.poll(() => versions(database)).toHaveLength(1)
    expect(server.sealed()).toBe(false)
    expect(await call(server, 'GET', '/nokkel/ready')).toMatchObject({ status: 200 })
    expect(await give(server, shares[2])).toMatchObject({ status: 200, body: { sealed: false } })
    await server.close()
  })

  it('refuses what is no share, a foreign one and a repeated one, each with its code', async () => {
    const server = createServer()
    const foreign = await splitKeyring(generateRootKeys(), { count: 2, threshold: 2 })
    await give(server, shares[0])
    expect(await give(server, `${shares[1]?.slice(0, -4)}zzzz`)).toMatchObject({
      status: 400,
      body: { code: 'share_invalid' },
    })
    expect(await give(server, foreign.shares[0])).toMatchObject({ status: 400, body: { code: 'share_invalid' } })
    expect(await give(server, shares[0])).toMatchObject({ status: 409, body: { code: 'share_repeated' } })
    expect(await give(server, 'x')).toMatchObject({ status: 400, body: { code: 'request_malformed' } })
    expect(await call(server, 'GET', '/nokkel/seal')).toMatchObject({ body: { sealed: true, received: 1 } })
    await server.close()
  })

  it('forgets all shares that do not open the file', async () => {
    const altered = JSON.parse(file)
    altered.keyring = `${altered.keyring.slice(0, -8)}AAAAAAAA`
    const server = createServer(sharedRootKeys(JSON.stringify(altered)))
    await give(server, shares[0])
    expect(await give(server, shares[1])).toMatchObject({ status: 400, body: { code: 'shares_wrong' } })
    expect(await call(server, 'GET', '/nokkel/seal')).toMatchObject({ body: { sealed: true, received: 0 } })
    await server.close()
  })

  it('says that the keys are not those of the database once they are there', async () => {
    const other = await splitKeyring(generateRootKeys(), { count: 2, threshold: 2 })
    const server = createServer(sharedRootKeys(other.file))
    for (const share of other.shares) await give(server, share)
    const { status, body } = await call(server, 'GET', '/nokkel/ready')
    expect(status).toBe(503)
    expect(body).toMatchObject({ code: 'unavailable', detail: expect.stringMatching(/^The (master|index) key is not/) })
    await server.close()
  })

  it('says to every request why the keys are refused, and logs that it did not start', async () => {
    const split = await splitKeyring(generateRootKeys(), { count: 2, threshold: 2 })
    const keys = generateRootKeys()
    keys.indexKeys[0]?.fill(7)
    const obvious = await splitKeyring(keys, { count: 2, threshold: 2 })
    for (const [{ file, shares }, sentence] of [
      [obvious, /^An index key is not random; .+\.$/],
      [split, /^The (master|index) key is not the one/],
    ] as const) {
      const server = createServer(sharedRootKeys(file), { mode: 'production', publicUrl: 'https://keys.example.no' })
      for (const share of shares) expect(await give(server, share)).toMatchObject({ status: 200 })
      await expect.poll(() => logged.filter(({ event }) => event === 'start_failed')).toHaveLength(1)
      for (const path of ['/nokkel/ready', '/nokkel/organizations', '/nokkel/ready']) {
        expect(await call(server, 'GET', path)).toMatchObject({
          status: 503,
          body: { code: 'unavailable', detail: expect.stringMatching(sentence) },
        })
      }
      await server.close()
    }
  })

  it('takes sixty shares a minute of one address, right or wrong', async () => {
    const server = createServer()
    const statuses: number[] = []
    for (let times = 0; times < 61; times++) statuses.push((await give(server, `nks1-${'0'.repeat(72)}`)).status)
    expect(statuses.slice(0, 60)).toEqual(Array(60).fill(400))
    expect(statuses[60]).toBe(429)
    await server.close()
  })

  it('is served while it is sealed', async () => {
    const server = createServer()
    const { port, close } = await serve({ server, port: 0, host: 'localhost', mode: 'development' })
    const status = async (path: string) => (await fetch(`http://localhost:${port}/nokkel/${path}`)).status
    expect([await status('health'), await status('ready')]).toEqual([200, 503])
    await give(server, shares[1])
    await give(server, shares[2])
    expect(await status('ready')).toBe(200)
    await close()
  })

  it('does not log a share', async () => {
    const server = createServer()
    for (const share of [...shares, shares[0], `${shares[0]}0`]) await give(server, share)
    await call(server, 'GET', `/nokkel/unseal?share=${shares[0]}`)
    expect(logged.length).toBeGreaterThan(5)
    for (const share of shares) {
      const [, , ...groups] = share.split('-')
      for (const group of groups) expect(JSON.stringify(logged)).not.toContain(`-${group}-`)
    }
    await server.close()
  })

  it('knows no shares where keys are given otherwise', async () => {
    const rootKeys = givenRootKeys({ masterKeys: ['01'.repeat(32)], indexKeys: ['02'.repeat(32)] })
    const server = createServer(rootKeys)
    expect(server.sealed()).toBe(false)
    expect((await call(server, 'GET', '/nokkel/seal')).body).toEqual({ sealed: false, required: 0, received: 0 })
    expect(await give(server, shares[0])).toMatchObject({ status: 400, body: { code: 'share_invalid' } })
    await server.close()
  })

  it('limits guesses also while there is no database', async () => {
    const server = createServer(undefined, {
      database: 'postgres://nokkel_server@localhost:1/none',
      limits: { login: { address: 3, person: 3 } },
    })
    const statuses: number[] = []
    for (let guess = 0; guess < 5; guess++) statuses.push((await give(server, 'AAAA')).status)
    expect(statuses).toEqual([400, 400, 400, 429, 429])
    expect(await call(server, 'GET', '/nokkel/health')).toMatchObject({ status: 200 })
    await server.close()
  })
})

async function versions({ owner }: TestDatabase) {
  const { rows } = await sql<{ id: string }>`select key_id as id from nokkel.master_key_version`.execute(owner)
  return rows
}

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem, publicUrl } from '../../../../tools/testing/login.ts'
import { createNokkelServer, createProviderRegistry, givenRootKeys, type NokkelServer } from '../index.ts'

const createServer = async (where: TestDatabase['server'] | string): Promise<NokkelServer> =>
  createNokkelServer({
    database: where,
    publicUrl,
    rootKeys: givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] }),
    providers: createProviderRegistry([]),
    mode: 'development',
    logger: () => undefined,
  })

describe.each(databaseEngines)('service [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database)
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  it('says that it lives and is ready', async () => {
    expect(await system.request('GET', '/nokkel/health')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await system.request('GET', '/nokkel/ready')).toMatchObject({ status: 200, body: { status: 'ready' } })
  })

  it('lists the organisations and how one logs in there', async () => {
    const { body } = await system.request('GET', '/nokkel/organizations')
    expect(body.organizations).toEqual([
      {
        slug: system.organization,
        name: system.organization,
        providers: [
          { id: 'bankid', available: true, shares: ['name', 'birthDate'], personnummer: true },
          { id: 'vipps', available: true, shares: ['name', 'phoneNumber', 'email', 'address'], personnummer: true },
        ],
      },
    ])
  })

  it('describes every operation, who may call it and what it answers', async () => {
    const { body } = await system.request('GET', '/nokkel/openapi.json')
    expect(body).toMatchObject({ openapi: '3.1.0', servers: [{ url: publicUrl }] })
    expect(body.paths['/nokkel/me'].get.security).toEqual([{ accessToken: [] }])
    expect(body.paths['/nokkel/login'].post.security).toEqual([])
    expect(body.components.securitySchemes.accessToken.scheme).toBe('bearer')
    for (const methods of Object.values<Record<string, { responses: object }>>(body.paths)) {
      for (const { responses } of Object.values(methods)) expect(Object.keys(responses)).toContain('default')
    }
  })

  it.each([
    ['/nokkel/reference', 'text/html; charset=utf-8'],
    ['/nokkel/reference/style.css', 'text/css; charset=utf-8'],
    ['/nokkel/reference/script.js', 'text/javascript; charset=utf-8'],
  ])('serves %s without another host or an inline script', async (path, type) => {
    const response = await system.server.fetch(new Request(`${publicUrl}${path}`))
    expect(response.headers.get('content-type')).toBe(type)
    const text = await response.text()
    expect(text).not.toMatch(/https?:\/\/|<script>|<style>| on\w+=|style=/)
  })

  it('believes the tokens of another server on the same database', async () => {
    const { tokens } = await system.logIn('bankid')
    const other = await createServer(database.server)
    const response = await other.fetch(
      new Request(`${publicUrl}/nokkel/me`, { headers: { authorization: `Bearer ${tokens.accessToken}` } }),
    )
    expect(response.status).toBe(200)
  })

  it('stores session keys so that only the keyring opens them', async () => {
    const { rows } = await sql<{ text: string }>`select k::text as text from nokkel.session_key k`.execute(
      database.owner,
    )
    expect(rows.length).toBeGreaterThan(0)
    for (const { text } of rows) expect(text).not.toContain('"d"')
    const { rows: wrapped } = await sql<{ header: string }>`
      select encode(substring(wrapped_private_key from 1 for 4), 'hex') as header from nokkel.session_key`.execute(
      database.owner,
    )
    for (const { header } of wrapped) expect(header).toBe('4e4b0101')
  })

  it('deletes what has expired, now and then', async () => {
    const { loginId } = await system.begin('bankid')
    await sql`update nokkel.login_attempt set expires_at = now() - interval '2 hours' where id = ${loginId}::uuid`.execute(
      database.owner,
    )
    // Another server may have done it just now.
    await sql`delete from nokkel.last_sweep`.execute(database.owner)
    system.clock.offsetSeconds = 601
    await system.request('GET', '/nokkel/health')
    system.clock.offsetSeconds = 0
    const count = async () =>
      (await sql`select from nokkel.login_attempt where id = ${loginId}::uuid`.execute(database.owner)).rows.length
    await expect.poll(count).toBe(0)
  })
})

describe('service with its own connections [postgres]', () => {
  it('connects, and closes what it opened', async () => {
    const database = await createTestDatabase('postgres')
    const server = await createServer(database.url ?? '')
    const ready = async () => (await server.fetch(new Request(`${publicUrl}/nokkel/ready`))).status
    await server.ready()
    expect(await ready()).toBe(200)
    await server.close()
    expect(await ready()).toBe(503)
    await database.close()
  })
})

describe('service without a database', () => {
  it('lives, is not ready, and says why', async () => {
    const server = await createServer('postgres://nokkel_server:secret@localhost:1/nokkel')
    const get = async (path: string) => {
      const response = await server.fetch(new Request(`${publicUrl}${path}`))
      return { status: response.status, text: await response.text() }
    }
    expect((await get('/nokkel/health')).status).toBe(200)
    const { status, text } = await get('/nokkel/ready')
    expect(status).toBe(503)
    expect(JSON.parse(text)).toMatchObject({ code: 'unavailable', detail: 'The database does not answer.' })
    expect(text).not.toContain('secret')
    await server.close()
  })
})

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../../tools/testing/database.ts'
import { createLoginSystem } from '../../../../../tools/testing/login.ts'
import { createProviderClients } from './client.ts'
import type { ProviderConnection } from './provider.ts'

describe.each(databaseEngines)('client authentication [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  it('signs with its own key, or sends its secret in the form', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' } as { kty: 'EC' }
    const system = await createLoginSystem(database, {
      authentication: {
        bankid: { method: 'private_key_jwt', key: privateKey, kid: 'one', jwks: { keys: [jwk] as never } },
        vipps: { method: 'client_secret_post', secret: 'not-a-secret' },
      },
    })
    expect((await system.logIn('bankid')).outcome).toBe('account_created')
    expect((await system.logIn('vipps')).outcome).toBe('identity_linked')
    await system.close()
  })

  it('calls it a fault of the provider’s side when the provider does not know us', async () => {
    const system = await createLoginSystem(database)
    const { issuer } = system.sandbox.bankid
    const other = await createLoginSystem(database, {
      providers: {
        connections: [],
        providersOf: () => ['bankid'],
        find: (provider, organization) => ({
          provider,
          organization,
          issuer,
          clientId: `${system.organization}-bankid`,
          authentication: { method: 'client_secret_basic', secret: 'wrong' },
        }),
      },
    })
    const mine = await system.begin('bankid')
    const callback = await system.visit(mine)
    const { organization } = system
    await sql`delete from nokkel.session`.execute(database.owner)
    const answer = await other.complete(mine, callback, { organization })
    expect(answer).toMatchObject({ status: 502, body: { code: 'provider_unreachable' } })
    expect(JSON.stringify([answer.body, other.logged])).not.toContain('wrong')
    const { rows } = await sql`select from nokkel.session`.execute(database.owner)
    expect(rows).toEqual([])
    await other.close()
    await system.close()
  })
})

describe('discovery', () => {
  let answer: () => { status: number; body: unknown }
  let asked = 0
  const host = createServer((_, response) => {
    asked++
    const { status, body } = answer()
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  let connection: ProviderConnection
  beforeAll(async () => {
    await new Promise<void>((resolve) => host.listen(0, 'localhost', resolve))
    const issuer = `http://localhost:${(host.address() as AddressInfo).port}/realm/`
    connection = {
      provider: 'vipps',
      organization: 'likeperson',
      issuer,
      clientId: 'likeperson',
      authentication: { method: 'client_secret_basic', secret: 'x' },
    }
  })
  afterEach(() => {
    asked = 0
  })
  afterAll(() => {
    host.close()
    host.closeAllConnections()
  })

  const good = () => ({ status: 200, body: { issuer: connection.issuer, authorization_endpoint: connection.issuer } })
  const failing = () => ({ status: 503, body: {} })
  function clients() {
    const clock = { time: Date.now() }
    const get = createProviderClients({ production: false, timeoutSeconds: 1, now: () => new Date(clock.time) })
    return { clock, get }
  }
  const unreachable = expect.objectContaining({ code: 'provider_unreachable' })

  it('happens once an hour, also for many at once', async () => {
    answer = good
    const { clock, get } = clients()
    await Promise.all([get(connection), get(connection), get(connection)])
    clock.time += 3_599_000
    await get(connection)
    expect(asked).toBe(1)
    clock.time += 2_000
    await get(connection)
    expect(asked).toBe(2)
  })

  it('is tried again after it failed', async () => {
    answer = failing
    const { get } = clients()
    await expect(get(connection)).rejects.toEqual(unreachable)
    answer = good
    await expect(get(connection)).resolves.toBeDefined()
  })

  it('keeps what it knew while the provider fails', async () => {
    answer = good
    const { clock, get } = clients()
    await get(connection)
    answer = failing
    clock.time += 3_700_000
    await expect(get(connection)).resolves.toBeDefined()
  })

  it('refuses a document of another issuer, even by a slash', async () => {
    for (const issuer of ['https://evil.example/', connection.issuer.replace(/\/$/, '')]) {
      answer = () => ({ status: 200, body: { issuer } })
      await expect(clients().get(connection)).rejects.toEqual(unreachable)
    }
  })

  it('does not go without TLS in production', async () => {
    answer = good
    const get = createProviderClients({ production: true, timeoutSeconds: 1, now: () => new Date() })
    await expect(get(connection)).rejects.toEqual(unreachable)
    expect(asked).toBe(0)
  })
})

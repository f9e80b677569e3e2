import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { sql } from 'kysely'
import { authorizationCodeGrant } from 'openid-client'
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

  it('says, and tells the operator, that the provider does not know us', async () => {
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
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'provider_misconfigured', data: { available: ['vipps'] } },
    })
    expect(other.logged).toContainEqual({
      level: 'error',
      event: 'provider_misconfigured',
      provider: 'bankid',
      organization,
    })
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
    const get = createProviderClients({ production: false, timeoutSeconds: 30, now: () => new Date(clock.time) })
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

  it('goes by what a connection says, not by which object says it', async () => {
    answer = good
    const { get } = clients()
    const copy = () => ({ ...connection, authentication: { ...connection.authentication } })
    const first = await get(copy())
    expect(await get(copy())).toBe(first)
    expect(await get({ ...copy(), organization: 'another', personnummer: true })).toBe(first)
    expect(asked).toBe(1)
  })

  it.each([
    ['another revision', { revision: 'two' }],
    ['another secret', { authentication: { method: 'client_secret_basic', secret: 'y' } }],
    ['another way to say it', { authentication: { method: 'client_secret_post', secret: 'x' } }],
    ['another client', { clientId: 'another' }],
    ['another provider', { provider: 'bankid' }],
    ['a broker', { via: 'idura' }],
  ] as const)('begins anew with %s', async (_, changes) => {
    answer = good
    const { get } = clients()
    const first = await get(connection)
    expect(await get({ ...connection, ...changes })).not.toBe(first)
    expect(asked).toBe(2)
  })

  it('tells private keys apart', async () => {
    answer = good
    const { get } = clients()
    const [one, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
    const by = (key: CryptoKey, kid?: string): ProviderConnection => ({
      ...connection,
      authentication: { method: 'private_key_jwt', key, ...(kid !== undefined && { kid }) },
    })
    const first = await get(by(one.privateKey))
    expect(await get(by(one.privateKey))).toBe(first)
    const kidded = await get(by(one.privateKey, 'one'))
    expect(kidded).not.toBe(first)
    expect(await get(by(other.privateKey, 'one'))).not.toBe(kidded)
    expect(await get(connection)).not.toBe(first)
    expect(asked).toBe(4)
  })

  it('signs for the issuer alone, each time anew', async () => {
    answer = () => ({ status: 200, body: { ...good().body, token_endpoint: `${connection.issuer}token` } })
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const { derive } = await clients().get({
      ...connection,
      provider: 'bankid',
      authentication: { method: 'private_key_jwt', key: privateKey, kid: 'one' },
    })
    const sent: URLSearchParams[] = []
    const configuration = derive(() => async (_, { body }) => {
      sent.push(new URLSearchParams(String(body)))
      return Response.json({ error: 'invalid_grant' }, { status: 400 })
    })
    const redeem = () =>
      authorizationCodeGrant(configuration, new URL('https://app.example.no/callback?code=x&state=y'), {
        expectedState: 'y',
        expectedNonce: 'z',
        pkceCodeVerifier: 'A'.repeat(43),
      })
    await expect(redeem()).rejects.toMatchObject({ error: 'invalid_grant' })
    await expect(redeem()).rejects.toMatchObject({ error: 'invalid_grant' })
    const assertions = await Promise.all(
      sent.map(async (parameters) => {
        expect(parameters.get('code_verifier')).toBe('A'.repeat(43))
        expect(parameters.has('client_secret')).toBe(false)
        return jwtVerify(parameters.get('client_assertion') ?? '', publicKey, { audience: connection.issuer })
      }),
    )
    for (const { payload, protectedHeader } of assertions) {
      expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: 'one' })
      expect(payload).toMatchObject({ aud: connection.issuer, iss: connection.clientId, sub: connection.clientId })
    }
    expect(new Set(assertions.map(({ payload }) => payload.jti)).size).toBe(2)
  })

  it('remembers no more than a thousand', async () => {
    answer = good
    const { get } = clients()
    const numbered = (number: number) => ({ ...connection, clientId: `${number}` })
    const first = await get(numbered(0))
    for (let number = 1; number < 1000; number++) await get(numbered(number))
    expect(await get(numbered(0))).toBe(first)
    await get(numbered(1000))
    expect(await get(numbered(0))).not.toBe(first)
  })

  it('is tried twice, and again after it failed', async () => {
    answer = failing
    const { get } = clients()
    await expect(get(connection)).rejects.toEqual(unreachable)
    expect(asked).toBe(2)
    answer = good
    await expect(get(connection)).resolves.toBeDefined()
  })

  it('outlives one failure', async () => {
    answer = () => (asked === 1 ? failing() : good())
    await expect(clients().get(connection)).resolves.toBeDefined()
    expect(asked).toBe(2)
  })

  it('keeps what it knew while the provider fails, and asks again in a minute', async () => {
    answer = good
    const { clock, get } = clients()
    const first = await get(connection)
    answer = failing
    clock.time += 3_700_000
    expect(await Promise.all([get(connection), get(connection)])).toEqual([first, first])
    expect(asked).toBe(3)
    clock.time += 59_000
    expect(await get(connection)).toBe(first)
    expect(asked).toBe(3)
    answer = good
    clock.time += 2_000
    expect(await get(connection)).not.toBe(first)
    expect(asked).toBe(4)
  })

  it('keeps nothing of a client that has changed', async () => {
    answer = good
    const { get } = clients()
    await get(connection)
    answer = failing
    await expect(get({ ...connection, revision: 'two' })).rejects.toEqual(unreachable)
  })

  it('refuses a document of another issuer, even by a slash', async () => {
    for (const issuer of ['https://evil.example/', connection.issuer.replace(/\/$/, '')]) {
      answer = () => ({ status: 200, body: { issuer } })
      await expect(clients().get(connection)).rejects.toEqual(unreachable)
    }
  })

  it('refuses a document of an issuer that is only written another way', async () => {
    const bare = new URL(connection.issuer).origin
    answer = () => ({ status: 200, body: { issuer: `${bare}/` } })
    await expect(clients().get({ ...connection, issuer: bare })).rejects.toEqual(unreachable)
    answer = () => ({ status: 200, body: { issuer: bare } })
    await expect(clients().get({ ...connection, issuer: bare })).resolves.toBeDefined()
  })

  it.each([
    [['plain'], false],
    [[], false],
    [['plain', 'S256'], true],
  ])('of a provider with the methods %j of PKCE is taken: %s', async (methods, taken) => {
    answer = () => ({ status: 200, body: { ...good().body, code_challenge_methods_supported: methods } })
    const configuration = clients().get(connection)
    await (taken ? expect(configuration).resolves.toBeDefined() : expect(configuration).rejects.toEqual(unreachable))
  })

  it.each([
    ['no object', 'issuer'],
    ['no issuer', {}],
  ])('refuses a document with %s', async (_, body) => {
    answer = () => ({ status: 200, body })
    await expect(clients().get(connection)).rejects.toEqual(unreachable)
  })

  it('does not go without TLS in production', async () => {
    answer = good
    const get = createProviderClients({ production: true, timeoutSeconds: 30, now: () => new Date() })
    await expect(get(connection)).rejects.toEqual(unreachable)
    expect(asked).toBe(0)
  })
})

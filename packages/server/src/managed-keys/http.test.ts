import { encodeBase64 } from '@nokkel/crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, type LoginSystem, publicUrl } from '../../../../tools/testing/login.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { createNokkelServer, createProviderRegistry, givenRootKeys } from '../index.ts'

const [text] = testPrivateKeys

describe.each(databaseEngines)('managed keys over HTTP [%s]', (engine) => {
  let database: TestDatabase
  let system: LoginSystem
  let token: string
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    system = await createLoginSystem(database, {
      limits: { decrypt: { address: Infinity, person: 5 }, unwrap: { address: 3, person: Infinity } },
    })
    token = (await system.logIn('bankid')).tokens.accessToken
  })
  afterAll(async () => {
    await system.close()
    await database.close()
  })

  const ask = (body: unknown) => system.request('POST', '/crypto-service', { token, body })
  const item = { data: encodeBase64(new Uint8Array(100)), iv: 'A'.repeat(16) }

  it.each(['/crypto-service', '/generate-user-keys', '/generate-company-keys'])(
    'refuses another method on %s',
    async (path) => {
      const answer = await system.request('GET', path, { token })
      expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
      expect(answer.headers.get('allow')).toBe('POST')
    },
  )

  it.each(['/crypto-service', '/generate-user-keys', '/generate-company-keys'])(
    'answers nothing on %s before the server is ready',
    async (path) => {
      const server = createNokkelServer({
        database: database.server,
        publicUrl,
        rootKeys: givenRootKeys({ masterKeys: ['fe'.repeat(32)], indexKeys: ['dc'.repeat(32)] }),
        providers: createProviderRegistry([]),
        mode: 'development',
        logger: () => undefined,
      })
      const response = await server.fetch(new Request(`${publicUrl}${path}`, { method: 'POST' }))
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ code: 'unavailable' })
      await server.close()
    },
  )

  it('counts the items of a person, and of an address, not only the requests', async () => {
    expect((await ask({ action: 'decrypt', items: Array(3).fill(item) })).status).toBe(200)
    const refused = await ask({ action: 'decrypt', items: Array(3).fill(item) })
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask({ action: 'decrypt', items: Array(2).fill(item) })).status).toBe(200)
    const wrap = { rfxId: crypto.randomUUID(), version: 1, via: 'user' }
    expect((await ask({ action: 'unwrap', items: Array(4).fill(wrap) })).body.code).toBe('rate_limited')
    expect((await ask({ action: 'unwrap', ...wrap })).body.code).toBe('open_refused')
  })

  it('keeps keys out of logs, problems and caches', async () => {
    system.logged.length = 0
    const answers = [
      await ask({ action: 'encrypt', text }),
      await ask({ action: 'encrypt', text: `${text.slice(0, 1000)}AAAA${text.slice(1004)}` }),
      await ask({ action: 'encrypt', text, extra: text }),
      await ask({ action: 'sign', text }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 400, 400])
    for (const { headers } of answers) expect(headers.get('cache-control')).toBe('no-store')
    const written = JSON.stringify([system.logged, answers.map(({ body }) => body)])
    const windows = Array.from({ length: Math.floor(text.length / 40) - 1 }, (_, index) =>
      text.slice(index * 40, index * 40 + 40),
    )
    // The public half is in the answer, and the modulus is a part of both.
    const secret = windows.slice(20)
    expect(secret.length).toBeGreaterThan(50)
    for (const window of secret) expect(written).not.toContain(window)
    expect(system.logged).toContainEqual(
      expect.objectContaining({ event: 'request', route: '/crypto-service', status: 200 }),
    )
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createKeyring, createNokkelServer, createProviderRegistry, type NokkelServer } from '../index.ts'

const publicUrl = 'http://localhost:3000'

describe.each(databaseEngines)('service [%s]', (engine) => {
  let database: TestDatabase
  let server: NokkelServer
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    server = createNokkelServer({
      database: database.server,
      publicUrl,
      keyring: await createKeyring('07'.repeat(32)),
      indexKey: new Uint8Array(32).fill(9),
      providers: createProviderRegistry([]),
      mode: 'development',
      logger: () => undefined,
    })
    await server.ready()
  })
  afterAll(async () => {
    await server.close()
    await database.close()
  })
  const get = (path: string) => server.fetch(new Request(`${publicUrl}${path}`))

  it.each(['/nokkel/health', '/nokkel/ready', '/nokkel/organizations', '/nokkel/.well-known/jwks.json'])(
    'answers %s',
    async (path) => {
      const response = await get(path)
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({})
    },
  )

  it('describes every operation', async () => {
    const document = await (await get('/nokkel/openapi.json')).json()
    expect(document).toMatchObject({ openapi: '3.1.0' })
    expect(Object.keys(document.paths)).toContain('/nokkel/login/complete')
  })
})

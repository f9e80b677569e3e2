import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { createOrganization } from './people.ts'

describe('server [deno]', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
  })
  afterAll(() => database.close())

  it('starts, keeps its keys and answers over a real Postgres', async () => {
    await createOrganization(database, { slug: 'likeperson' })
    const { stdout } = await promisify(execFile)(
      createRequire(import.meta.url).resolve('deno/deno'),
      [
        ...['run', '--allow-all', '--node-modules-dir=manual', '--cached-only', '--conditions=source'],
        fileURLToPath(new URL('deno-server.ts', import.meta.url)),
      ],
      { env: { ...process.env, DATABASE_URL: database.url ?? '', DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' } },
    )
    expect(JSON.parse(stdout)).toEqual({
      runtime: 'deno',
      health: { status: 200, body: { status: 'ok', version: expect.any(String) } },
      ready: { status: 200, body: { status: 'ready' } },
      organizations: { status: 200, body: { organizations: [expect.objectContaining({ slug: 'likeperson' })] } },
      '.well-known/jwks.json': {
        status: 200,
        body: { keys: [expect.objectContaining({ kty: 'EC', alg: 'ES256', kid: expect.any(String) })] },
      },
      me: { status: 401, body: expect.objectContaining({ code: 'token_missing' }) },
      nowhere: { status: 404, body: expect.objectContaining({ code: 'route_unknown' }) },
    })
  }, 60_000)
})

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { getRequestListener } from '@hono/node-server'
import { createDpopProof } from '@nokkel/crypto'
import { createNokkelServer, createProviderRegistry, givenRootKeys, type NokkelServer } from '@nokkel/server'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../../../tools/testing/authenticator.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createEquipped, createOrganization, type Equipped } from '../../../../tools/testing/people.ts'
import { type Listening, listen } from '../node/listen.ts'
import { generateRefreshToken, hashRefreshToken } from '../session/refresh-token.ts'

/** What curl sends to a server that listens, byte by byte as a thief would. */
async function curl(url: string, body: unknown, headers: Record<string, string> = {}) {
  const lines = Object.entries({ 'content-type': 'application/json', ...headers }).map(([n, v]) => `${n}: ${v}`)
  const { stdout } = await promisify(execFile)('curl', [
    ...['--silent', '--max-time', '60', '--request', 'POST', '--data-raw', JSON.stringify(body)],
    ...lines.flatMap((line) => ['--header', line]),
    ...['--write-out', '\n%{http_code}', url],
  ])
  const [status = '', ...rest] = stdout.split('\n').reverse()
  return { status: Number(status), body: JSON.parse(rest.reverse().join('\n')) }
}

describe.each(databaseEngines)('a stolen refresh token of somebody enrolled [%s]', (engine) => {
  let database: TestDatabase
  let server: NokkelServer
  let listening: Listening
  let url: string
  let kari: Equipped
  const refreshToken = generateRefreshToken()
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    listening = await listen(
      getRequestListener((request) => server.fetch(request)),
      { port: 0, host: 'localhost' },
    )
    url = `http://localhost:${listening.port}`
    server = createNokkelServer({
      database: database.server,
      publicUrl: url,
      rootKeys: givenRootKeys({ masterKeys: ['07'.repeat(32)], indexKeys: ['09'.repeat(32)] }),
      providers: createProviderRegistry([]),
      mode: 'development',
      logger: () => undefined,
    })
    await server.ready()
    kari = await createEquipped(database, await createOrganization(database))
    await sql`insert into nokkel.refresh_token (hash, session_id)
      values (${await hashRefreshToken(refreshToken)}::bytea, ${kari.claims.sid}::uuid)`.execute(database.owner)
    await sql`insert into nokkel.biometric_enrollment (device_id, user_id, user_handle)
      values (${kari.deviceId}::uuid, ${kari.id}::uuid, sha256('handle'))`.execute(database.owner)
    await sql`update nokkel.session set authenticated_at = now() - interval '31 minutes'
      where id = ${kari.claims.sid}::uuid`.execute(database.owner)
  })
  afterAll(async () => {
    await listening.close()
    await server.close()
    await database.close()
  })

  const prove = (path: string) =>
    createDpopProof({ signer: kari.keys.signing, method: 'POST', url: `${url}${path}` }).then((dpop) => ({ dpop }))
  const refresh = '/nokkel/session/refresh'

  it('curl with a valid refresh token but no device proof gets 401; with device proof but no due assertion, 401 with the reason', async () => {
    expect(await curl(`${url}${refresh}`, { refreshToken })).toMatchObject({
      status: 401,
      body: { code: 'dpop_proof_invalid' },
    })
    expect(await curl(`${url}${refresh}`, { refreshToken }, await prove(refresh))).toEqual({
      status: 401,
      body: {
        type: 'urn:nokkel:problem:unlock_required',
        title: 'This device is to be unlocked by biometrics before the session goes on.',
        status: 401,
        code: 'unlock_required',
        request_id: expect.any(String),
      },
    })
  })

  it('is worth something again to the person, with device proof and assertion', async () => {
    const [challenges, unlock] = ['/nokkel/session/unlock/challenges', '/nokkel/session/unlock']
    const sessionId = kari.claims.sid
    const { status, body: challenge } = await curl(`${url}${challenges}`, { sessionId }, await prove(challenges))
    expect(status).toBe(201)
    const credential = await createAuthenticator({ origin: url }).answer(challenge)
    expect((await curl(`${url}${unlock}`, { sessionId, credential }, await prove(unlock))).status).toBe(200)
    expect(await curl(`${url}${refresh}`, { refreshToken }, await prove(refresh))).toMatchObject({
      status: 200,
      body: { sessionId, unlockedUntil: expect.any(String) },
    })
  })
})

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connect, givenRootKeys } from '@nokkel/server'
import { migratePostgres, readMigrations } from '@nokkel/server/node'
import { createServerKeys } from '../../../packages/server/src/keyring/server-keys.ts'
import { createAccessTokens } from '../../../packages/server/src/session/access-token.ts'
import { createSessionKeyStore } from '../../../packages/server/src/session/session-keys.ts'
import type { TestDatabase } from '../../../tools/testing/database.ts'
import { createOrganization, createPerson, logIn } from '../../../tools/testing/people.ts'
import { type PostgresServer, startPostgres } from '../../../tools/testing/postgres.ts'
import { testPrivateKeys } from '../../../tools/testing/rsa-keys.ts'
import { createSoftHsm, type SoftHsm } from './testing/soft-hsm.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const publicUrl = 'https://keys.example.no'
const keys = { MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex'), INDEX_KEY: randomBytes(32).toString('hex') }

describe('nokkel serve with a token', () => {
  let hsm: SoftHsm
  let postgres: PostgresServer
  let owner: ReturnType<typeof connect>
  let database: ReturnType<typeof connect>
  let serverUrl: string
  let running: ChildProcess | undefined
  before(async () => {
    hsm = createSoftHsm('nokkel-server')
    assert.equal((await hsm.run(['create-key'])).status, 0)
    const wrapped = await hsm.run(['wrap', '--out', hsm.environment.PKCS11_KEYRING_FILE ?? ''], keys)
    assert.equal(wrapped.status, 0, wrapped.stderr)
    postgres = await startPostgres()
    await migratePostgres(postgres.url, await readMigrations(`${root}supabase/migrations`))
    const url = new URL(postgres.url)
    url.username = 'nokkel_server'
    serverUrl = url.href
    owner = connect(postgres.url)
    database = connect(serverUrl)
  })
  after(async () => {
    if (running && running.exitCode === null) {
      const ended = new Promise((resolve) => running?.once('close', resolve))
      running.kill()
      await ended
    }
    await Promise.all([owner?.destroy(), database?.destroy()])
    await postgres?.stop()
    hsm?.remove()
  })

  /** @returns What it says on standard error until it listens or ends, and where it listens. */
  function serve(changes: Record<string, string> = {}): Promise<{ said: string; url: string }> {
    running = spawn(
      process.execPath,
      ['--conditions=source', `${root}packages/cli/src/main.ts`, 'serve', '--port', '0', '--host', 'localhost'],
      {
        cwd: root,
        env: {
          ...hsm.environment,
          DATABASE_URL: serverUrl,
          PUBLIC_URL: publicUrl,
          PROVIDERS: '[]',
          KEYRING_MODULE: './extras/pkcs11/src/index.ts',
          ...changes,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    let said = ''
    return new Promise((resolve) => {
      const done = () => resolve({ said: said.trim(), url: `http://localhost:${/port (\d+)/.exec(said)?.[1]}` })
      running?.once('close', done)
      running?.stderr?.setEncoding('utf8').on('data', (text) => {
        said += text
        if (/listens on port \d+ .*\n/.test(said)) done()
      })
    })
  }

  it('does not start with a wrong PIN, and says so', async () => {
    const { said } = await serve({ PKCS11_PIN: 'wrong-pin-0000' })
    assert.equal(said, 'The PIN of the token "nokkel-server" is wrong.')
  })

  it('encrypts and decrypts a private key', async () => {
    const { said, url } = await serve()
    assert.match(said, /^The root keys were opened by the token "nokkel-server"\.\nNøkkel listens/)
    console.log(said)
    const world = { owner, server: database } as unknown as TestDatabase
    const organization = await createOrganization(world)
    const { claims } = await logIn(world, organization, await createPerson(world, organization))
    const rootKeys = givenRootKeys({ masterKeys: [keys.MASTER_ENCRYPTION_KEY], indexKeys: [keys.INDEX_KEY] })
    const { keyring } = createServerKeys(rootKeys, { database, logger: () => undefined, production: true })
    const sessionKeys = createSessionKeyStore(database, keyring, () => new Date())
    const tokens = createAccessTokens(`${publicUrl}/nokkel`, sessionKeys, () => new Date())
    const { accessToken } = await tokens.issue(claims)
    const post = async (body: unknown) => {
      const response = await fetch(`${url}/crypto-service`, {
        method: 'POST',
        headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: (await response.json()) as Record<string, string> }
    }
    const text = testPrivateKeys[0]
    const stored = await post({ action: 'encrypt', text })
    assert.equal(stored.status, 200)
    const { data, iv } = stored.body
    assert.deepEqual(await post({ action: 'decrypt', data, iv }), { status: 200, body: { text } })
  })
})

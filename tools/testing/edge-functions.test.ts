import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Readable } from 'node:stream'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { UnlockChallenge } from '@nokkel/contract'
import {
  createDpopProof,
  decodeBase64,
  encodeBase64,
  generateContentKey,
  generateDeviceKeys,
  importPublicKey,
  wrapKey,
} from '@nokkel/crypto'
import { signIn } from '@nokkel/sandbox'
import { givenRootKeys } from '@nokkel/server'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Claims } from '../../packages/server/src/db/with-claims.ts'
import { createServerKeys } from '../../packages/server/src/keyring/server-keys.ts'
import { createAccessTokens } from '../../packages/server/src/session/access-token.ts'
import { createSessionKeyStore } from '../../packages/server/src/session/session-keys.ts'
import { serveNokkel } from '../../supabase/functions/_shared/serve-nokkel.ts'
import { readPackages } from '../packages.ts'
import { createAuthenticator } from './authenticator.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { consentTo, firstPerson } from './login.ts'
import { createEquipped, createOrganization, createPerson, logIn } from './people.ts'
import { testPrivateKeys } from './rsa-keys.ts'
import { startTlsSandbox, type TlsSandbox } from './tls-sandbox.ts'

const functions = fileURLToPath(new URL('../../supabase/functions/', import.meta.url))
const publicUrl = 'https://project.supabase.co/functions/v1'
const appUrl = 'https://app.likeperson.no'
const keys = { MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex'), INDEX_KEY: randomBytes(32).toString('hex') }

const random = () => randomBytes(32).toString('base64url')

const running = new Set<ChildProcessByStdio<null, Readable, Readable>>()

/** Serves one function as the edge runtime does, with the settings as its secrets. */
async function serve(name: string, settings: Record<string, string>): Promise<string> {
  const child = spawn(
    createRequire(import.meta.url).resolve('deno/deno'),
    [
      ...['run', '--allow-all', '--node-modules-dir=manual', '--cached-only'],
      ...['--config', `${functions}deno.json`, `${functions}${name}/index.ts`],
    ],
    {
      env: {
        PATH: process.env.PATH ?? '',
        DENO_NO_UPDATE_CHECK: '1',
        DENO_SERVE_ADDRESS: 'tcp:127.0.0.1:0',
        NO_COLOR: '1',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  running.add(child)
  let output = ''
  return new Promise((resolve, reject) => {
    const listen = (text: string) => {
      output += text
      const [, url] = /Listening on (http:\S+?)\/?\s/.exec(output) ?? []
      if (url) resolve(url)
    }
    child.stdout.setEncoding('utf8').on('data', listen)
    child.stderr.setEncoding('utf8').on('data', listen)
    child.once('close', () => reject(new Error(`${name} did not start: ${output}`)))
  })
}

const call = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init)
  return { status: response.status, body: (await response.json()) as Record<string, string> }
}

describe('edge functions [deno]', { timeout: 60_000 }, () => {
  let database: TestDatabase
  let settings: Record<string, string>
  let claims: Claims
  let organization: string
  let token: string
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    settings = { ...keys, DATABASE_URL: database.url ?? '', PUBLIC_URL: publicUrl, PROVIDERS: '[]' }
    organization = await createOrganization(database, { slug: 'likeperson' })
    const person = await createPerson(database, organization)
    claims = (await logIn(database, organization, person)).claims

    const now = () => new Date()
    const rootKeys = givenRootKeys({ masterKeys: [keys.MASTER_ENCRYPTION_KEY], indexKeys: [keys.INDEX_KEY] })
    const serverKeys = createServerKeys(rootKeys, {
      database: database.server,
      logger: () => undefined,
      production: true,
    })
    await serverKeys.check()
    const sessionKeys = createSessionKeyStore(database.server, serverKeys.keyring, now)
    token = (await createAccessTokens(`${publicUrl}/nokkel`, sessionKeys, now).issue(claims)).accessToken
  })
  afterAll(async () => {
    for (const child of running) {
      const ended = new Promise((resolve) => child.once('close', resolve))
      child.kill()
      await ended
    }
    await database.close()
  })

  const post = (url: string, body: unknown) =>
    call(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('nokkel answers what stands below /nokkel', async () => {
    const url = await serve('nokkel', settings)
    expect(await call(`${url}/nokkel/ready`)).toEqual({ status: 200, body: { status: 'ready' } })
    expect(await call(`${url}/nokkel/organizations`)).toMatchObject({
      body: { organizations: [expect.objectContaining({ slug: 'likeperson' })] },
    })
    expect(await call(`${url}/nokkel/me`)).toMatchObject({ status: 401, body: { code: 'token_missing' } })
  })

  it('nokkel verifies the answers of authenticators', async () => {
    const url = await serve('nokkel', settings)
    const kari = await createEquipped(database, organization)
    await sql`insert into nokkel.biometric_enrollment (device_id, user_id, user_handle)
      values (${kari.deviceId}::uuid, ${kari.id}::uuid, sha256('handle'))`.execute(database.owner)
    const prove = async (path: string, body: unknown) => {
      const dpop = await createDpopProof({ signer: kari.keys.signing, method: 'POST', url: `${publicUrl}${path}` })
      const headers = { dpop, 'content-type': 'application/json' }
      return call(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    }
    const sessionId = kari.claims.sid
    const authenticator = createAuthenticator({ origin: new URL(publicUrl).origin })
    for (const kind of ['create', 'get']) {
      const { status, body } = await prove('/nokkel/session/unlock/challenges', { sessionId })
      expect({ status, kind: body.kind }).toEqual({ status: 201, kind })
      const credential = await authenticator.answer(body as unknown as UnlockChallenge)
      expect(await prove('/nokkel/session/unlock', { sessionId, credential })).toEqual({
        status: 200,
        body: { unlockedUntil: expect.any(String) },
      })
    }
  })

  describe('with providers', () => {
    let tls: TlsSandbox
    let nokkel: string
    beforeAll(async () => {
      const clientOf = (provider: 'bankid' | 'vipps') => ({
        clientId: 'likeperson',
        clientSecret: 'not-a-secret',
        redirectUris: [`${appUrl}/callback/${provider}/likeperson`],
      })
      tls = await startTlsSandbox(() => ({ bankid: [clientOf('bankid')], vipps: [clientOf('vipps')] }))
      const providers = (['bankid', 'vipps'] as const).map((provider) => ({
        provider,
        organization: 'likeperson',
        issuer: tls.sandbox[provider].issuer,
        clientId: 'likeperson',
        authentication: { method: 'client_secret_basic', secret: 'not-a-secret' },
      }))
      nokkel = await serve('nokkel', {
        ...settings,
        APP_URL: appUrl,
        ALLOWED_ORIGINS: appUrl,
        PROVIDERS: JSON.stringify(providers),
        DENO_CERT: tls.certificate,
      })
      setDefaultCACertificates([...getCACertificates('default'), readFileSync(tls.certificate, 'utf8')])
    })
    afterAll(() => {
      setDefaultCACertificates(getCACertificates('bundled'))
      tls.close()
    })

    it.each(['bankid', 'vipps'] as const)(
      'nokkel logs people in by %s, on the host of the application',
      async (provider) => {
        const [state, nonce, codeVerifier] = [random(), random(), random()]
        const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')
        const { shares } = consentTo(provider)
        const consent = { version: 'v1', shares: shares.filter((share) => share !== 'personnummer') }
        const ask = async (path: string, body: object, headers: Record<string, string> = {}) =>
          call(`${nokkel}${path}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', origin: appUrl, ...headers },
            body: JSON.stringify({ provider, organization: 'likeperson', ...body }),
          })
        const begun = await ask('/nokkel/login', { state, nonce, codeChallenge, consent })
        expect(begun).toMatchObject({ status: 201, body: { loginId: expect.any(String) } })
        const back = new URL(await signIn(begun.body.authorizationUrl ?? '', { person: firstPerson }))
        expect(`${back.origin}${back.pathname}`).toBe(`${appUrl}/callback/${provider}/likeperson`)

        const { signing } = await generateDeviceKeys()
        const path = '/nokkel/login/complete'
        const dpop = await createDpopProof({ signer: signing, method: 'POST', url: `${publicUrl}${path}` })
        const completed = { loginId: begun.body.loginId, callback: back.search.slice(1), codeVerifier, nonce }
        expect(await ask(path, completed, { dpop })).toMatchObject({
          status: 200,
          body: { outcome: expect.any(String), tokens: { accessToken: expect.any(String) } },
        })
      },
    )
  })

  it('crypto-service encrypts, decrypts and unwraps', async () => {
    const url = `${await serve('crypto-service', settings)}/crypto-service`
    const text = testPrivateKeys[0]
    const stored = await post(url, { action: 'encrypt', text })
    expect(stored).toMatchObject({ status: 200, body: { keyId: expect.any(String), data: expect.any(String) } })
    const { keyId = '', publicKey = '', data, iv } = stored.body
    expect(await post(url, { action: 'decrypt', data, iv })).toEqual({ status: 200, body: { text } })

    const key = generateContentKey()
    const wrapped = encodeBase64(await wrapKey(key, (await importPublicKey(decodeBase64(publicKey))).key))
    const { rows } = await sql<{ id: string }>`
      insert into public.rfxs (organization_id) values (${organization}::uuid) returning id`.execute(database.owner)
    const rfxId = rows[0]?.id ?? ''
    await sql`insert into public.rfx_key_version (rfx_id, version) values (${rfxId}::uuid, 1)`.execute(database.owner)
    await sql`insert into public.rfx_key_members (rfx_id, user_id, encrypted_symmetric_key, key_id)
      values (${rfxId}::uuid, ${claims.sub}::uuid, ${wrapped}, ${keyId}::uuid)`.execute(database.owner)
    expect(await post(url, { action: 'unwrap', rfxId, version: 1, via: 'user' })).toEqual({
      status: 200,
      body: { key: encodeBase64(key) },
    })
    expect(await call(url, { method: 'POST', body: '{}' })).toMatchObject({ status: 401 })
  })

  it('generate-user-keys and generate-company-keys answer for themselves', async () => {
    const [users, companies] = await Promise.all([
      serve('generate-user-keys', settings),
      serve('generate-company-keys', settings),
    ])
    // Neither makes a key here: what is asked for is refused by the rules of the operation itself.
    expect(await post(`${users}/generate-user-keys`, { replaces: claims.sub })).toMatchObject({
      status: 409,
      body: { code: 'key_exists' },
    })
    expect(await post(`${companies}/generate-company-keys`, { companyId: claims.sub })).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    })
  })

  it.each([
    ['DATABASE_URL', /^DATABASE_URL is not set; .*\.$/],
    ['PUBLIC_URL', /^PUBLIC_URL is not set; .*\.$/],
    ['MASTER_ENCRYPTION_KEY', /^MASTER_ENCRYPTION_KEY is not set; .*\.$/],
  ])('says in one sentence that %s is missing', async (name, sentence) => {
    const url = await serve('nokkel', { ...settings, [name]: '' })
    expect(await call(`${url}/nokkel/health`)).toEqual({
      status: 503,
      body: expect.objectContaining({ code: 'unavailable', detail: expect.stringMatching(sentence) }),
    })
  })
})

describe('the environment of an edge function', () => {
  afterEach(() => vi.unstubAllGlobals())
  const refuse = () => {
    throw new Error('not supported')
  }

  it.each([
    ['holds no root keys once they are read', false, ['DATABASE_URL', 'PROVIDERS', 'PUBLIC_URL']],
    [
      'may be one that the runtime does not let it change',
      true,
      ['DATABASE_URL', 'INDEX_KEY', 'MASTER_ENCRYPTION_KEY', 'PROVIDERS', 'PUBLIC_URL'],
    ],
  ])('%s', async (_what, fixed, left) => {
    const database = 'postgres://nokkel_server@localhost:1/x'
    const environment = new Map(
      Object.entries({ ...keys, DATABASE_URL: database, PUBLIC_URL: publicUrl, PROVIDERS: '[]' }),
    )
    const served: ((request: Request, info: { remoteAddr: object }) => Promise<Response>)[] = []
    vi.stubGlobal('Deno', {
      env: {
        toObject: () => Object.fromEntries(environment),
        delete: fixed ? refuse : (name: string) => environment.delete(name),
      },
      serve: (answer: (typeof served)[number]) => served.push(answer),
    })
    serveNokkel()
    const health = await served[0]?.(new Request(`${publicUrl}/nokkel/health`), { remoteAddr: {} })
    expect(health?.status).toBeLessThan(500)
    expect([...environment.keys()].sort()).toEqual(left)
  })
})

describe('edge functions', () => {
  const { imports } = JSON.parse(readFileSync(`${functions}deno.json`, 'utf8')) as { imports: Record<string, string> }
  const used = readPackages().filter(({ name }) => Object.hasOwn(imports, name))

  it('import the versions the packages name', () => {
    const versions = Object.assign(
      {},
      ...used.map(({ directory }) => JSON.parse(readFileSync(`${directory}package.json`, 'utf8')).dependencies),
    ) as Record<string, string>
    for (const [name, target] of Object.entries(imports)) {
      if (target.startsWith('npm:') && !name.endsWith('/')) expect(target).toBe(`npm:${name}@${versions[name]}`)
    }
    expect(used.map(({ name }) => name)).toEqual(['@nokkel/contract', '@nokkel/crypto', '@nokkel/server'])
  })

  it('each have their settings', () => {
    const names = readdirSync(functions, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
      .map(({ name }) => name)
    const config = readFileSync(`${functions}../config.toml`, 'utf8')
    expect([...config.matchAll(/^\[functions\.(.+)\]\nverify_jwt = false$/gm)].map(([, name]) => name).sort()).toEqual(
      names.sort(),
    )
  })
})

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { startTlsSandbox, type TlsSandbox } from '../../../../tools/testing/tls-sandbox.ts'
import { nokkel } from '../testing/transcript.ts'

const clientSecret = 'planted-client-secret'
/** Registered, and nobody is there. */
const elsewhere = 'https://localhost:1'

describe('nokkel doctor --provider', { timeout: 60_000 }, () => {
  let directory: string
  let tls: TlsSandbox
  let database: TestDatabase
  let publicUrl: string
  let environment: Record<string, string>
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'nokkel-doctor-provider-'))
    const clientsOf = (provider: 'bankid' | 'vipps', url: string) =>
      ['likeperson', 'nordlys'].map((slug) => ({
        clientId: `client-${slug}`,
        clientSecret,
        redirectUris: [`${url}/callback/${provider}/${slug}`, `${elsewhere}/callback/${provider}/${slug}`],
        nationalNumber: slug === 'likeperson',
      }))
    tls = await startTlsSandbox(
      (url) => ({ bankid: clientsOf('bankid', url), vipps: clientsOf('vipps', url) }),
      // The start page for every path, but below one where only an API is.
      ({ url = '' }, response) => {
        if (url.startsWith('/api/')) response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{}')
        else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>')
      },
    )
    publicUrl = tls.url
    database = await createTestDatabase('postgres')
    environment = {
      PUBLIC_URL: publicUrl,
      NODE_EXTRA_CA_CERTS: tls.certificate,
      VIPPS_ISSUER: tls.sandbox.vipps.issuer,
      BANKID_SECRET: clientSecret,
      PROVIDERS: JSON.stringify([bankid('likeperson'), bankid('nordlys')]),
    }
  })
  afterAll(async () => {
    tls.close()
    await database.close()
    rmSync(directory, { recursive: true })
  })

  const bankid = (organization: string, changes: object = {}) => ({
    provider: 'bankid',
    organization,
    issuer: tls.sandbox.bankid.issuer,
    clientId: `client-${organization}`,
    authentication: { method: 'client_secret_basic', secret: { variable: 'BANKID_SECRET' } },
    personnummer: organization === 'likeperson',
    ...changes,
  })
  const examine = async (words: readonly string[], changes: Record<string, string> = {}) => {
    const transcript = await nokkel(['doctor', '--provider', ...words], { env: { ...environment, ...changes } })
    expect(transcript.stdout + transcript.stderr).not.toContain('planted')
    return transcript
  }

  it('finds nothing wrong with BankID that is set up right', async () => {
    const { issuer } = tls.sandbox.bankid
    const found = (slug: string, scopes: string) => `${slug}
  ok       discovery: ${issuer} is the issuer, and announces what is needed.
  ok       redirect_uri: ${publicUrl}/callback/bankid/${slug} is registered.
  ok       credentials: The provider lets the client client-${slug} in by client_secret_basic.
  ok       scopes: ${scopes} may be asked for. What comes of it shows only when somebody logs in.`
    expect(await examine(['bankid'])).toEqual({
      status: 0,
      stdout: `${found('likeperson', 'openid profile nnin_altsub')}\n${found('nordlys', 'openid profile')}`,
      stderr: '',
    })
  })

  it('says what to do about a wrong secret, an unregistered URI and a scope', async () => {
    const wrong = await examine(['bankid', '--organization', 'nordlys'], {
      PROVIDERS: JSON.stringify([bankid('nordlys', { personnummer: true })]),
      PUBLIC_URL: publicUrl,
      BANKID_SECRET: 'planted-wrong-secret',
    })
    expect(wrong).toMatchObject({ status: 1, stderr: '' })
    expect(wrong.stdout).toMatch(/^ {2}failed {3}credentials: The provider does not let the client client-nordlys in/m)
    expect(wrong.stdout).toMatch(/^ {2}failed {3}scopes: The provider refuses a scope of openid profile nnin_altsub/m)
    const other = `${publicUrl}/other`
    const moved = await examine(['bankid', '--organization', 'nordlys', '--json'], { PUBLIC_URL: other })
    expect(moved.status).toBe(1)
    const { provider, organizations } = JSON.parse(moved.stdout)
    expect(provider).toBe('bankid')
    expect(organizations).toMatchObject([{ organization: 'nordlys', findings: expect.any(Array) }])
    expect(organizations[0].findings[1]).toMatchObject({
      check: 'redirect_uri',
      result: 'failed',
      detail: expect.stringContaining(
        `Register exactly ${other}/callback/bankid/nordlys for the client client-nordlys.`,
      ),
    })
  })

  it('asks whether the application is where people come back to', async () => {
    const nordlys = ['bankid', '--organization', 'nordlys']
    const api = `${publicUrl}/api`
    const alone = await examine(nordlys, { PUBLIC_URL: api })
    expect(alone.status).toBe(1)
    expect(alone.stdout).toContain(
      `  failed   redirect_uri: ${api}/callback/bankid/nordlys answers 404 and no page: the application must be there, with its start page for every path. Where it is on another host, set APP_URL to that.`,
    )
    expect(await examine(nordlys, { PUBLIC_URL: api, APP_URL: publicUrl })).toMatchObject({ status: 0 })
    const nobody = await examine(nordlys, { PUBLIC_URL: api, APP_URL: elsewhere, ALLOWED_ORIGINS: elsewhere })
    expect(nobody.status).toBe(1)
    expect(nobody.stdout).toContain(`  ok       redirect_uri: ${elsewhere}/callback/bankid/nordlys is registered.`)
    expect(nobody.stdout).toContain(`  unknown  redirect_uri: ${elsewhere}/callback/bankid/nordlys cannot be reached`)
    expect(await examine(nordlys, { PUBLIC_URL: api, APP_URL: elsewhere })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'APP_URL must be an https origin that ALLOWED_ORIGINS names, without a path.',
    })
  })

  it('opens what an organisation has stored, and says what is missing', async () => {
    const stored = {
      ...environment,
      DATABASE_URL: database.url ?? '',
      MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
      INDEX_KEY: randomBytes(32).toString('hex'),
    }
    const file = join(directory, 'organizations.json')
    const vipps = (slug: string, more: object = {}) => ({
      slug,
      name: slug,
      vipps: { clientId: `client-${slug}`, ...more },
    })
    const described = [
      vipps('likeperson', { clientSecret: { variable: 'BANKID_SECRET' } }),
      vipps('nordlys', { enabled: false }),
      vipps('fjord', { environment: 'test' }),
    ]
    writeFileSync(file, JSON.stringify(described))
    expect(await nokkel(['organizations', 'apply', file], { env: stored })).toMatchObject({ status: 0 })
    const right = await examine(['vipps', '--organization', 'likeperson'], stored)
    expect(right).toMatchObject({ status: 0, stderr: '' })
    expect(right.stdout).toContain('credentials: The provider lets the client client-likeperson in')
    const all = await examine(['vipps'], stored)
    expect(all.status).toBe(1)
    expect(all.stdout).toMatch(
      /^fjord\n {2}failed {3}discovery: This server does not offer the test environment of Vipps/,
    )
    expect(all.stdout).toMatch(/\nnordlys\n.+\n.+\n {2}failed {3}credentials: There is no client secret/)
    const { MASTER_ENCRYPTION_KEY: _, ...without } = stored
    const closed = await nokkel(['doctor', '--provider', 'vipps'], { env: without })
    expect(closed).toMatchObject({ status: 1, stdout: '', stderr: 'A client secret is stored; set the root keys.' })
  })

  it('says that a provider cannot be reached', async () => {
    const PROVIDERS = JSON.stringify([bankid('likeperson', { issuer: 'https://localhost:1/realm' })])
    const { status, stdout } = await examine(['bankid'], { PROVIDERS })
    expect(status).toBe(1)
    expect(stdout).toContain(
      'failed   discovery: https://localhost:1/realm/.well-known/openid-configuration cannot be reached',
    )
    expect(stdout).toContain('unknown  credentials')
  })

  it('says that there is none', async () => {
    const none = await examine(['vipps'])
    expect(none).toEqual({ status: 1, stdout: 'No organisation has vipps.', stderr: '' })
    const { stdout } = await examine(['bankid', '--organization', 'nowhere'])
    expect(stdout).toContain('There is no bankid for nowhere; set it up first.')
  })

  it.each([
    [['bankid', '--bundle', 'dist'], 'one at a time'],
    [['bankid', '--database'], 'one at a time'],
    [['facebook'], '--provider takes vipps or bankid.'],
  ])('%j is told how it is called', async (words, expected) => {
    expect(await examine(words)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(expected) })
  })

  it('is the only one that takes an organisation', async () => {
    const words = ['doctor', '--bundle', 'dist', '--organization', 'likeperson']
    expect(await nokkel(words)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--organization goes with'),
    })
  })
})

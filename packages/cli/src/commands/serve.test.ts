import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { nokkel, start } from '../testing/transcript.ts'

const masterKey = randomBytes(32).toString('hex')
const keys = { MASTER_ENCRYPTION_KEY: masterKey, INDEX_KEY: randomBytes(32).toString('hex') }

describe('nokkel serve', { timeout: 60_000 }, () => {
  let database: TestDatabase
  let directory: string
  let settings: Record<string, string>
  const running = new Set<ReturnType<typeof start>>()
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    directory = mkdtempSync(join(tmpdir(), 'nokkel-serve-'))
    writeFileSync(join(directory, 'providers.json'), '[]')
    settings = {
      DATABASE_URL: database.url ?? '',
      PUBLIC_URL: 'https://keys.example.no',
      PROVIDERS_FILE: join(directory, 'providers.json'),
    }
  })
  afterEach(async () => {
    await Promise.all([...running].map(stop))
  })
  afterAll(async () => {
    rmSync(directory, { recursive: true })
    await database.close()
  })

  /** Starts it on a free port and waits until it listens. */
  async function serve(env: Record<string, string>, ...options: string[]) {
    const child = start(['serve', '--port', '0', '--host', 'localhost', ...options], { ...settings, ...env })
    running.add(child)
    let [said, emitted] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text) => {
      emitted += text
    })
    await new Promise<void>((resolve, reject) => {
      child.once('close', () => reject(new Error(said)))
      child.stderr.setEncoding('utf8').on('data', (text) => {
        said += text
        if (/listens on port \d+ .*\n/.test(said)) resolve()
      })
    })
    const url = `http://localhost:${/port (\d+)/.exec(said)?.[1]}`
    return { url, child, said: () => said, emitted: () => emitted }
  }

  async function stop(child: ReturnType<typeof start>): Promise<number | null> {
    running.delete(child)
    if (child.exitCode !== null) return child.exitCode
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    child.kill('SIGTERM')
    return ended
  }

  const get = async (url: string) => {
    const response = await fetch(url)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it('serves in production mode with keys of the environment, and ends when told to', async () => {
    const { url, child, said, emitted } = await serve(keys)
    expect(await get(`${url}/nokkel/ready`)).toEqual({ status: 200, body: { status: 'ready' } })
    expect(await get(`${url}/nokkel/.well-known/openid-configuration`)).toMatchObject({
      body: { issuer: 'https://keys.example.no/nokkel' },
    })
    expect(await stop(child)).toBe(0)
    expect(said()).toContain('ERASURE_LEDGER is not set: a restored backup brings back whoever was erased')
    expect(emitted()).toContain('"event":"backup_retention_assumed","count":30')
    for (const secret of [masterKey, keys.INDEX_KEY]) expect(said() + emitted()).not.toContain(secret)
  })

  it('listens while it is sealed, says so, and begins when enough shares are given', async () => {
    const file = join(directory, 'sealed.json')
    const split = ['keyring', 'split', '--shares', '3', '--threshold', '2', '--out', file, '--json']
    const { stdout } = await nokkel(split, { env: keys })
    const [one = '', , three = ''] = (JSON.parse(stdout) as { shares: string[] }).shares

    const { url, said, emitted } = await serve({ SEALED_KEYRING_FILE: file, BACKUP_RETENTION_DAYS: '30' })
    await expect.poll(said).toContain('It is sealed: 2 shares open it.')
    expect(await get(`${url}/nokkel/organizations`)).toMatchObject({ status: 503, body: { code: 'sealed' } })

    const unseal = (share: string) => nokkel(['unseal', '--url', url], { input: `${share}\n` })
    expect(await unseal(one)).toEqual({ status: 0, stdout: '1 of 2 shares are given.', stderr: '' })
    expect(await unseal(one)).toMatchObject({ status: 1, stdout: '' })
    expect(await unseal('nks1-nonsense-nonsense-nonsense')).toMatchObject({ status: 1, stdout: '' })
    expect(await unseal(three)).toEqual({ status: 0, stdout: 'The server is unsealed.', stderr: '' })
    const again = await nokkel(['unseal', '--url', url, '--json'], { input: three })
    expect(JSON.parse(again.stdout)).toEqual({ sealed: false, required: 2, received: 2 })
    expect(await get(`${url}/nokkel/organizations`)).toMatchObject({ status: 200 })
    expect(emitted()).not.toContain('backup_retention_assumed')
  })

  it.each([
    ['no database', { DATABASE_URL: '' }, [], 1, /^DATABASE_URL is not set; .*\.$/],
    ['no keys', { MASTER_ENCRYPTION_KEY: '' }, [], 1, /^There are no root keys; .*\.$/],
    [
      'another master key',
      { MASTER_ENCRYPTION_KEY: 'f0e1d2c3b4a5968778695a4b3c2d1e0f'.repeat(2) },
      [],
      1,
      /^The master key is not the one .*\.$/,
    ],
    [
      'keys made for development',
      { INDEX_KEY: `${Buffer.from('development').toString('hex')}${'0a'.repeat(21)}` },
      [],
      1,
      /made for development.*\.$/,
    ],
    ['a port that is none', {}, ['--port', 'http'], 2, /^--port takes a number/],
    ['a role that owns things', { DATABASE_URL: 'postgres://postgres@localhost:1/x' }, [], 1, /\S/],
  ] as const)('refuses %s in a sentence', async (_what, changes, options, status, expected) => {
    const answer = await nokkel(['serve', '--port', '0', ...options], { env: { ...settings, ...keys, ...changes } })
    expect(answer).toEqual({ status, stdout: '', stderr: expect.stringMatching(expected) })
    expect(answer.stderr).not.toContain(masterKey)
  })

  it('says that a port is taken', async () => {
    const { url } = await serve(keys)
    const { port } = new URL(url)
    const env = { ...settings, ...keys, BACKUP_RETENTION_DAYS: '30' }
    expect(await nokkel(['serve', '--port', port, '--host', 'localhost'], { env })).toEqual({
      status: 1,
      stdout: '',
      stderr: `Port ${port} is taken; stop what listens there, or choose another with --port.`,
    })
  })
})

describe('nokkel unseal', () => {
  it.each([
    ['an URL without TLS', 'http://keys.example.no', 'x\n', 2, '--url must be an https URL. --help says more.'],
    ['nothing on standard input', 'http://localhost:1', '', 1, 'Nothing came on standard input.'],
    ['an empty line', 'http://localhost:1', '\n', 1, 'No share was given.'],
    ['a server that does not answer', 'http://localhost:1', 'x\n', 1, 'http://localhost:1 does not answer.'],
  ] as const)('refuses %s', async (_what, url, input, status, stderr) => {
    expect(await nokkel(['unseal', '--url', url], { input })).toEqual({ status, stdout: '', stderr })
  })
})

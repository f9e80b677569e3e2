import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateRootKeys, givenRootKeys, type RootKeys, splitKeyring, withNewIndexKey } from '@nokkel/server'
import { formatRootKeyFile } from '@nokkel/server/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServerKeys } from '../../packages/server/src/keyring/server-keys.ts'
import { createAccessTokens } from '../../packages/server/src/session/access-token.ts'
import { createSessionKeyStore } from '../../packages/server/src/session/session-keys.ts'
import { createTestDatabase, type TestDatabase } from '../../tools/testing/database.ts'
import { createOrganization, createPerson, logIn } from '../../tools/testing/people.ts'
import { testPrivateKeys } from '../../tools/testing/rsa-keys.ts'
import type { Task } from './testing/key-process.ts'
import { createNeedle, type Needle } from './testing/needle.ts'

const entry = fileURLToPath(new URL('testing/key-process.ts', import.meta.url))
const places = ['memory', 'children and report', 'output', 'errors', 'answers'] as const
type Place = (typeof places)[number]

/** A snapshot of memory writes a character U+0000 as a space. */
function needleOf(name: string, key: Uint8Array = new Uint8Array()): Needle {
  const { forms } = createNeedle(name, key)
  return { name, forms: [...forms, Buffer.from(key.map((byte) => byte || 0x20))] }
}

const hexOf = (key: Uint8Array | undefined) => Buffer.from(key ?? []).toString('hex')

/** Where the keys come from: what the process is started with, and the shares it is given. */
const sources = {
  async environment({ masterKeys: [current, old], indexKeys: [indexKey, previous] }) {
    const variables = {
      MASTER_ENCRYPTION_KEY: current,
      MASTER_ENCRYPTION_KEYS_OLD: old,
      INDEX_KEY: indexKey,
      INDEX_KEY_OLD: previous,
    }
    return { environment: Object.fromEntries(Object.entries(variables).map(([name, key]) => [name, hexOf(key)])) }
  },
  async file(keys, directory) {
    return { environment: { KEYRING_FILE: write(directory, formatRootKeyFile(keys)) } }
  },
  async shares(keys, directory) {
    const { file, shares } = await splitKeyring(keys, { count: 3, threshold: 2 })
    return { environment: { SEALED_KEYRING_FILE: write(directory, file) }, shares: shares.slice(1) }
  },
} satisfies Record<string, (keys: RootKeys, directory: string) => Promise<Source>>

interface Source {
  readonly environment: Readonly<Record<string, string>>
  readonly shares?: readonly string[]
}

function write(directory: string, content: string): string {
  const path = join(directory, 'keyring.json')
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

describe.each(Object.keys(sources) as (keyof typeof sources)[])('root keys of a running server, from %s', (from) => {
  let database: TestDatabase
  let directory: string
  let server: ChildProcess
  const found: Record<Place, Buffer[]> = { memory: [], 'children and report': [], output: [], errors: [], answers: [] }
  const { indexKeys, masterKeys } = generateRootKeys()
  const current = masterKeys[0] as Uint8Array
  const keys: RootKeys = withNewIndexKey({ indexKeys, masterKeys: [current, ...generateRootKeys().masterKeys] })
  const needles = [
    needleOf('master key', current),
    needleOf('old master key', keys.masterKeys[1]),
    needleOf('index key', keys.indexKeys[0]),
    needleOf('previous index key', keys.indexKeys[1]),
  ]

  const search = (place: Place, among: readonly Needle[] = needles): string[] =>
    among
      .filter(({ forms }) => forms.some((form) => found[place].some((bytes) => bytes.includes(form))))
      .map(({ name }) => name)

  /** Sends a task, and takes what the process says it did. */
  async function tell(task: Task): Promise<string> {
    const answer = once(server, 'message')
    server.send(task)
    return String((await answer)[0])
  }

  /** Characters up to U+00FF stand for the byte they are; the file escapes them. */
  async function look(): Promise<void> {
    const file = join(directory, 'memory.heapsnapshot')
    found['children and report'] = [Buffer.from(await tell({ snapshot: file }))]
    const { strings } = JSON.parse(readFileSync(file, 'utf8')) as { strings: string[] }
    found.memory = [Buffer.from(strings.join('\n'), 'latin1')]
  }

  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    directory = mkdtempSync(join(tmpdir(), 'nokkel-keys-'))
    const { environment, shares = [] }: Source = await sources[from](keys, directory)
    for (const [index, share] of shares.entries()) {
      needles.push(
        createNeedle(`share ${index}`, share),
        createNeedle(`bare share ${index}`, share.replaceAll('-', '')),
      )
    }
    const publicUrl = `http://localhost:${await freePort()}`
    server = fork(entry, {
      execArgv: ['--conditions=source'],
      env: {
        ...process.env,
        DATABASE_URL: database.url,
        PUBLIC_URL: publicUrl,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    server.stdout?.on('data', (data: Buffer) => found.output.push(data))
    server.stderr?.on('data', (data: Buffer) => found.errors.push(data))
    expect((await once(server, 'message'))[0]).toBe('open')

    for (const share of shares) {
      const given = await fetch(`${publicUrl}/nokkel/unseal`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ share }),
      })
      found.answers.push(Buffer.from(await given.text()))
    }
    expect((await fetch(`${publicUrl}/nokkel/ready`)).status).toBe(200)

    const organization = await createOrganization(database)
    const { claims } = await logIn(database, organization, await createPerson(database, organization))
    const { keyring } = createServerKeys(
      givenRootKeys({ masterKeys: keys.masterKeys.map(hexOf), indexKeys: keys.indexKeys.map(hexOf) }),
      {
        database: database.server,
        logger: () => undefined,
        production: false,
      },
    )
    const now = () => new Date()
    const sessionKeys = createSessionKeyStore(database.server, keyring, now)
    const { accessToken } = await createAccessTokens(`${publicUrl}/nokkel`, sessionKeys, now).issue(claims)
    const call = async (path: string, body?: unknown, token = accessToken) => {
      const response = await fetch(`${publicUrl}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      found.answers.push(Buffer.from(`${response.status} ${JSON.stringify([...response.headers])} ${text}`))
      return { status: response.status, body: JSON.parse(text) }
    }

    const stored = await call('/crypto-service', { action: 'encrypt', text: testPrivateKeys[0] })
    const { data, iv } = stored.body
    const statuses = [
      stored,
      await call('/crypto-service', { action: 'decrypt', data, iv }),
      await call('/crypto-service', { action: 'decrypt', data: `${data.slice(0, -4)}AAAA`, iv }),
      await call('/crypto-service', '{"action":'),
      await call('/crypto-service', { action: 'export', key: 'master' }),
      await call('/nokkel/me', undefined, 'none'),
      await call('/nokkel/unseal', { share: 'nks1-0000-0000-0000-0000' }),
      await call('/nokkel/nowhere'),
    ]
    expect(statuses.map(({ status }) => status)).toEqual([
      200,
      200,
      404,
      400,
      400,
      401,
      from === 'shares' ? 200 : 400,
      404,
    ])
    await database.close()
    for (const path of ['/nokkel/ready', '/nokkel/organizations', '/nokkel/me']) {
      expect((await call(path)).status).toBeGreaterThanOrEqual(500)
    }
    await call('/crypto-service', { action: 'decrypt', data, iv })
    await look()
  }, 120_000)

  afterAll(() => {
    server?.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })

  it.each(places)('are not in its %s', (place) => {
    expect(Buffer.concat(found[place]).byteLength).toBeGreaterThan(place === 'errors' ? -1 : 1000)
    expect(search(place)).toEqual([])
  })

  it('shows all the while what it may: addresses, names, ids', () => {
    const shown = [createNeedle('table', 'master_key_version'), createNeedle('variable', 'MASTER_ENCRYPTION_KEYS_OLD')]
    expect(search('memory', shown)).toEqual(['table', 'variable'])
    expect(search('children and report', [createNeedle('address', 'PUBLIC_URL')])).toEqual(['address'])
    expect(search('output', [createNeedle('event', '"event":"request"')])).toEqual(['event'])
    expect(search('answers', [createNeedle('code', 'open_refused')])).toEqual(['code'])
  })

  it('would be found where they are planted', { timeout: 60_000 }, async () => {
    const bytes = Buffer.from(current)
    const texts = [hexOf(current), hexOf(current).toUpperCase(), bytes.toString('base64'), bytes.toString('base64url')]
    const planted = [...texts, bytes.toString('latin1').replaceAll('\0', ' ')]
    expect(await tell({ plant: { inMemory: planted, elsewhere: hexOf(current) } })).toBe('planted')
    await look()
    for (const text of planted) {
      const forms = needles[0]?.forms.filter((form) => Buffer.from(text, 'latin1').includes(form)) ?? []
      expect(forms.length).toBeGreaterThan(0)
      for (const form of forms) expect(search('memory', [{ name: text, forms: [form] }])).toEqual([text])
    }
    for (const place of ['children and report', 'output', 'errors'] as const) {
      expect(search(place)).toEqual(['master key'])
    }
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

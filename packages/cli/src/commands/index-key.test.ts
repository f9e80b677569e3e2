import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environmentRootKeys, splitKeyring } from '@nokkel/server'
import { fileRootKeys } from '@nokkel/server/node'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createBlindIndex } from '../../../server/src/auth/blind-index.ts'
import { encryptContact } from '../../../server/src/auth/contact-store.ts'
import { obtainPersonKey } from '../../../server/src/auth/person-key.ts'
import { createServerKeys } from '../../../server/src/keyring/server-keys.ts'
import { loadRootKeys } from '../settings/root-keys.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { nokkel, start } from '../testing/transcript.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nokkel-index-key-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const randomKey = () => randomBytes(32).toString('hex')
const keys = { MASTER_ENCRYPTION_KEY: randomKey(), INDEX_KEY: randomKey() }
const rotating = { ...keys, INDEX_KEY: randomKey(), INDEX_KEY_OLD: keys.INDEX_KEY }

describe('nokkel index-key generate', () => {
  const generate = (env: Record<string, string>, ...options: string[]) =>
    nokkel(['index-key', 'generate', ...options], { env })

  it('prints a new key and the present one', async () => {
    const { status, stdout } = await generate(keys)
    expect(status).toBe(0)
    expect(stdout).toMatch(new RegExp(`^INDEX_KEY=[0-9a-f]{64}\nINDEX_KEY_OLD=${keys.INDEX_KEY}$`))
    expect(stdout).not.toContain(`INDEX_KEY=${keys.INDEX_KEY}\n`)
    expect(JSON.parse((await generate(keys, '--json')).stdout)).toMatchObject({ INDEX_KEY_OLD: keys.INDEX_KEY })
  })

  it('writes a keyring with both, from one that was made before, and never over another', async () => {
    const [old, out] = [join(directory, 'keys.json'), join(directory, 'next.json')]
    const { MASTER_ENCRYPTION_KEY: master, INDEX_KEY: indexKey } = keys
    writeFileSync(old, JSON.stringify({ masterKeys: [master], indexKey }), { mode: 0o600 })
    expect(await generate({ KEYRING_FILE: old }, '--out', out)).toMatchObject({ status: 0, stdout: '' })
    expect(statSync(out).mode & 0o777).toBe(0o600)
    const { masterKeys, indexKeys } = await fileRootKeys(out).load()
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
    expect(masterKeys.map(hex)).toEqual([master])
    expect(indexKeys.map(hex)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), indexKey])
    const content = readFileSync(out, 'utf8')
    expect(await generate({ KEYRING_FILE: old }, '--out', out)).toEqual({
      status: 1,
      stdout: '',
      stderr: `${out} is there already; nothing was overwritten.`,
    })
    expect(readFileSync(out, 'utf8')).toBe(content)
    // What is sealed from it holds both, too.
    const sealed = join(directory, 'sealed.json')
    const split = ['keyring', 'split', '--shares', '2', '--threshold', '2', '--out', sealed]
    expect(await nokkel(split, { env: { KEYRING_FILE: out } })).toMatchObject({ status: 0 })
    expect(readFileSync(sealed, 'utf8')).toContain('nokkel/keyring/v2')
  })

  it.each([
    ['no keys', {}, 'There are no root keys'],
    ['keys that hold a previous one', rotating, 'These root keys hold a previous index key; finish its rotation'],
    ['one that is no key', { ...keys, INDEX_KEY_OLD: 'planted' }, 'INDEX_KEY_OLD must be 64 hexadecimal digits'],
  ])('refuses %s', async (_, env, sentence) => {
    const { status, stdout, stderr } = await generate(env)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(sentence)
    for (const secret of ['planted', rotating.INDEX_KEY, keys.INDEX_KEY]) expect(stderr).not.toContain(secret)
  })
})

describe('root keys that are sealed', () => {
  const terminalWith = async (file: string, shares: string[]) => {
    const reported: string[] = []
    const path = join(directory, 'sealed.json')
    writeFileSync(path, file, { mode: 0o600 })
    const terminal: Terminal = {
      environment: { SEALED_KEYRING_FILE: path },
      print: () => undefined,
      printed: async () => undefined,
      report: (line) => reported.push(line),
      readSecret: async (prompt) => {
        reported.push(prompt)
        return shares.shift() ?? ''
      },
    }
    return { terminal, reported }
  }

  it('are opened by the shares that are typed, as long as it takes', async () => {
    const given = await environmentRootKeys({ ...rotating }).load()
    const { file, shares } = await splitKeyring(given, { count: 3, threshold: 2 })
    const [first = '', second = ''] = shares
    const { terminal, reported } = await terminalWith(file, [first, 'mistyped', first, second])
    expect(await loadRootKeys(terminal)).toEqual(given)
    expect(reported.filter((line) => line.startsWith('Share '))).toEqual([
      'Share 1 of 2: ',
      'Share 2 of 2: ',
      'Share 2 of 2: ',
      'Share 2 of 2: ',
    ])
    for (const share of shares) expect(reported.join('\n')).not.toContain(share)
  })

  it('stay sealed when nothing is typed', async () => {
    const given = await environmentRootKeys({ ...rotating }).load()
    const { file } = await splitKeyring(given, { count: 3, threshold: 2 })
    const { terminal } = await terminalWith(file, [])
    await expect(loadRootKeys(terminal)).rejects.toThrow('No share was given.')
  })
})

describe('on a Postgres', { timeout: 120_000 }, () => {
  let database: TestDatabase
  let env: Record<string, string>
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    env = { ...rotating, DATABASE_URL: database.url ?? '' }
  })
  afterAll(() => database.close())

  const run = (command: string, options: readonly string[] = [], changes: Record<string, string> = {}) =>
    nokkel(['index-key', command, ...options], { env: { ...env, ...changes } })
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

  /** People under the index key of before, of whom phone and e-mail are kept. */
  async function createPeople(count: number): Promise<void> {
    const { keyring, check } = createServerKeys(environmentRootKeys({ ...keys }), {
      database: database.server,
      logger: () => undefined,
      production: true,
    })
    await check()
    const blindIndex = createBlindIndex(bytes(keys.INDEX_KEY))
    for (let index = 0; index < count; index++) {
      const id = randomUUID()
      const contact = { phoneNumber: `+47${90_000_000 + index}`, email: `p${index}@person.example`, address: null }
      await sql`insert into public.app_user (auth_user_id, name) values (${id}::uuid, 'Kari')`.execute(database.owner)
      const { key } = await obtainPersonKey(database.server, keyring, id)
      const envelope = await encryptContact(contact, key, id)
      await sql`insert into public.user_identities
          (user_id, phone_index, email_index, contact_index_key, contact, contact_updated_at)
        values (${id}::uuid, ${await blindIndex.index('phone', contact.phoneNumber)},
          ${await blindIndex.index('email', contact.email)}, ${await blindIndex.keyId()}, ${envelope}, now())`.execute(
        database.owner,
      )
    }
  }
  const left = async () => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from public.user_identities
      where contact_index_key = ${await createBlindIndex(bytes(keys.INDEX_KEY)).keyId()}`.execute(database.owner)
    return rows[0]?.count ?? 0
  }

  it('status says when there is no index key yet', async () => {
    expect(await run('status')).toEqual({
      status: 0,
      stdout: 'No server has used this database yet: it has no index key.',
      stderr: '',
    })
  })

  it('rotate that is killed at any moment goes on where it was', async () => {
    await createPeople(450)
    const child = start(['index-key', 'rotate'], env)
    const ended = new Promise((resolve) => child.once('close', resolve))
    while ((await left()) === 450 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5))
    child.kill('SIGKILL')
    await ended
    const rest = await left()
    expect(rest).toBeLessThan(450)
    // Nobody stands under half of what they stood under before.
    const { rows } =
      await sql`select from public.user_identities i left join nokkel.former_index f on f.index = i.phone_index
      where (f.former is null) = (i.contact_index_key <> ${await createBlindIndex(bytes(keys.INDEX_KEY)).keyId()})`.execute(
        database.owner,
      )
    expect(rows).toEqual([])
    const { status, stdout, stderr } = await run('rotate')
    expect(status).toBe(0)
    expect(stdout.split('\n')).toEqual([
      `Moved ${rest} people to the present index key.`,
      'Under the previous index key: 0 that rotate can move, 0 who wait for their next login, 0 waiting logins, 0 rows for the undo of a merge.',
    ])
    if (rest > 0) expect(stderr).toMatch(/^\d+ moved, 0 passed over$/m)
    expect(await left()).toBe(0)
    expect(JSON.parse((await run('rotate', ['--json'])).stdout)).toMatchObject({ moved: 0, passedOver: 0 })
  })

  it('status shows who is under which, and needs no key', async () => {
    await createPeople(0)
      .then(() => expect.unreachable())
      .catch(({ message }) => expect(message).toContain('it needs the keys with ids'))
    const status = (...options: string[]) =>
      nokkel(['index-key', 'status', ...options], { env: { DATABASE_URL: env.DATABASE_URL ?? '' } })
    const { stdout } = await status('--json')
    expect(JSON.parse(stdout).versions).toMatchObject([
      { state: 'previous', people: 0, retiredAt: null },
      { state: 'present', people: 450, numbers: 0, contacts: 450, movable: 450 },
    ])
    expect((await status()).stdout).toMatch(
      /^index key +since +state +people +numbers +phone and e-mail\n[\w-]{22} +\S{10} +previous +0 +0 +0\n[\w-]{22} +\S{10} +present +450 +0 +450\nUnder the previous index key: 0 that/,
    )
  })

  it('retire refuses while somebody is under it, forgets them when told to, and leaves the key out', async () => {
    const out = join(directory, 'next.json')
    const previous = await createBlindIndex(bytes(keys.INDEX_KEY)).keyId()
    const id = randomUUID()
    await sql`insert into public.app_user (auth_user_id, name) values (${id}::uuid, 'Ola')`.execute(database.owner)
    await sql`insert into public.user_identities (user_id, personnummer_index, personnummer_index_key)
      values (${id}::uuid, sha256('ola'), ${previous})`.execute(database.owner)
    expect(await run('retire', ['--out', out])).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'Under the previous index key: 0 that rotate can move, 1 who wait for their next login, 0 waiting logins, 0 rows for the undo of a merge. Nothing was changed; --forget gives the key up nevertheless.',
    })
    expect(existsSync(out)).toBe(false)
    expect(await run('retire', ['--forget', '--out', out])).toEqual({
      status: 0,
      stdout: `The index key ${previous} is retired; 1 people were forgotten.`,
      stderr: `Made ${out}. Keep a copy where no backup of the database is kept.`,
    })
    const { indexKeys } = await fileRootKeys(out).load()
    expect(indexKeys.map((key) => Buffer.from(key).toString('hex'))).toEqual([rotating.INDEX_KEY])
    expect(await run('rotate')).toMatchObject({ status: 0, stdout: 'Moved 0 people to the present index key.' })
    const again = join(directory, 'again.json')
    expect(await run('retire', ['--out', again])).toMatchObject({
      status: 1,
      stderr: 'The database has no previous index key: there is nothing to retire.',
    })
    expect(existsSync(again)).toBe(false)
  })

  it.each([
    ['rotate', 'another index key', { INDEX_KEY: randomKey(), INDEX_KEY_OLD: '' }, 'The index key is not the one'],
    ['rotate', 'no previous one', { INDEX_KEY_OLD: '' }, 'The root keys hold no previous index key'],
    ['rotate', 'another master key', { MASTER_ENCRYPTION_KEY: randomKey() }, 'The master key is not the one'],
    ['rotate', 'no database', { DATABASE_URL: '' }, 'DATABASE_URL is not set'],
    ['retire', 'no database', { DATABASE_URL: '' }, 'DATABASE_URL is not set'],
    ['status', 'another role', { DATABASE_URL: 'postgres://nobody:planted@localhost:1/x' }, 'ECONNREFUSED'],
  ])('%s refuses %s', async (command, _, changes, expected) => {
    const { status, stdout, stderr } = await run(command, [], changes)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(expected)
    for (const secret of ['planted', ...Object.values(rotating)]) expect(stderr).not.toContain(secret)
  })

  it.each(['generate', 'status', 'rotate', 'retire'])('%s says what it does', async (command) => {
    expect((await nokkel(['index-key', command, '--help'])).stdout).toMatch(/^nokkel index-key \w+: /)
  })
})

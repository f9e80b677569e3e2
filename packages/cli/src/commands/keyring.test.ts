import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedDatabase, readMigrations } from '@nokkel/server/node'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createOrganization, createPerson } from '../../../../tools/testing/people.ts'
import { testPrivateKeys } from '../../../../tools/testing/rsa-keys.ts'
import { type SourceColumns, sourceColumns } from '../../../../tools/testing/source-key.ts'
import { ownMigrations } from '../settings/migrations.ts'
import { nokkel, start } from '../testing/transcript.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nokkel-keyring-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const randomKeys = () => ({
  MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
  INDEX_KEY: randomBytes(32).toString('hex'),
})

describe('nokkel keyring generate', () => {
  it('prints keys, each time others', async () => {
    const [first, second] = await Promise.all([nokkel(['keyring', 'generate']), nokkel(['keyring', 'generate'])])
    expect(first).toMatchObject({ status: 0, stderr: '' })
    expect(first.stdout).toMatch(/^MASTER_ENCRYPTION_KEY=[0-9a-f]{64}\nINDEX_KEY=[0-9a-f]{64}$/)
    expect(second.stdout).not.toBe(first.stdout)
    const alone = await nokkel(['keyring', 'generate', '--master-key'])
    expect(alone.stdout).toMatch(/^MASTER_ENCRYPTION_KEY=[0-9a-f]{64}$/)
    const json = await nokkel(['keyring', 'generate', '--master-key', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ MASTER_ENCRYPTION_KEY: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  it('writes a file for its owner alone, and never over another', async () => {
    const file = join(directory, 'keys.json')
    expect(await nokkel(['keyring', 'generate', '--out', file])).toMatchObject({ status: 0, stdout: '' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const content = readFileSync(file, 'utf8')
    expect(await nokkel(['keyring', 'generate', '--out', file])).toEqual({
      status: 1,
      stdout: '',
      stderr: `${file} is there already; nothing was overwritten.`,
    })
    expect(readFileSync(file, 'utf8')).toBe(content)
  })
})

describe('nokkel keyring split', () => {
  const out = () => join(directory, 'sealed.json')
  const split = (env: Record<string, string>, ...options: string[]) =>
    nokkel(['keyring', 'split', '--shares', '3', '--threshold', '2', '--out', out(), ...options], { env })

  it('seals the keys it is given, and prints the shares once', async () => {
    const keys = randomKeys()
    const { status, stdout, stderr } = await split(keys)
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: `Made ${out()}. Any 2 of these 3 shares open it; they are not shown again.`,
    })
    const shares = stdout.split('\n')
    expect(new Set(shares).size).toBe(3)
    expect(statSync(out()).mode & 0o777).toBe(0o600)
    const file = readFileSync(out(), 'utf8')
    for (const secret of [...shares, ...Object.values(keys)]) expect(file).not.toContain(secret)
  })

  it('seals new ones, and never over another file', async () => {
    const { status, stdout } = await split({}, '--new', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ file: out(), threshold: 2, shares: { length: 3 } })
    expect(await split({}, '--new')).toMatchObject({ status: 1, stdout: '' })
  })

  it('makes no file whose shares nobody has', async () => {
    const words = ['keyring', 'split', '--shares', '3', '--threshold', '2', '--out', out(), '--new']
    for (const options of [[], ['--json']]) {
      expect(await nokkel([...words, ...options], { unread: true })).toEqual({
        status: 1,
        stdout: '',
        stderr: `The shares reached nobody: standard output is closed. ${out()} was removed again.`,
      })
      expect(existsSync(out())).toBe(false)
    }
  })

  it.each([
    ['no keys', [], {}, 1, 'There are no root keys'],
    ['keys from two places', [], { ...randomKeys(), KEYRING_FILE: 'x' }, 1, 'Set only one of'],
    ['new keys beside given ones', ['--new'], randomKeys(), 2, '--new makes new keys'],
    ['more needed than there are', ['--new', '--threshold', '4'], {}, 2, '--threshold takes a number from 2 to 3.'],
    ['a module that is not there', [], { KEYRING_MODULE: './none.js' }, 1, 'KEYRING_MODULE ./none.js cannot be loaded'],
  ] as const)('refuses %s', async (_what, options, env, status, expected) => {
    expect(await split(env, ...options)).toEqual({ status, stdout: '', stderr: expect.stringContaining(expected) })
  })
})

describe('on a Postgres', { timeout: 60_000 }, () => {
  const keys = randomKeys()
  const formerKey = randomBytes(32).toString('hex')
  let database: TestDatabase
  let organization: string
  let env: Record<string, string>
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    organization = await createOrganization(database)
    env = { ...keys, DATABASE_URL: database.url ?? '' }
  })
  afterAll(() => database.close())

  async function createUser(columns: SourceColumns): Promise<string> {
    const id = await createPerson(database, organization)
    await sql`update public.app_user set public_key = ${columns.publicKey},
      encrypted_private_key = ${columns.encryptedPrivateKey} where auth_user_id = ${id}::uuid`.execute(database.owner)
    return id
  }
  const adopt = (options: readonly string[], more: Record<string, string> = {}) =>
    nokkel(['keyring', 'adopt', ...options], { env: { ...env, ...more } })

  it('nokkel keyring status says when there is no master key yet', async () => {
    expect(await nokkel(['keyring', 'status'], { env })).toEqual({
      status: 0,
      stdout: 'No server has used this database yet: it has no master key.',
      stderr: '',
    })
  })

  it('nokkel keyring adopt rehearses, adopts, and has nothing left to do', async () => {
    const [own, foreign] = [
      await createUser(sourceColumns(testPrivateKeys[0], keys.MASTER_ENCRYPTION_KEY, 'base64')),
      await createUser(sourceColumns(testPrivateKeys[1], formerKey, 'pem')),
    ]
    const wrong = ['1 wrong_key: do not open: made with another master key, or altered', `  user ${foreign}`]
    const rehearsed = await adopt(['--dry-run'])
    expect(rehearsed).toMatchObject({ status: 1, stderr: '' })
    expect(rehearsed.stdout.split('\n').sort()).toEqual(
      ['1 adoptable: open, and fit their public keys', ...wrong].sort(),
    )

    const adopted = await adopt([])
    expect(adopted).toMatchObject({ status: 1, stderr: '' })
    expect(adopted.stdout.split('\n').sort()).toEqual(
      ['1 adopted: bound to their owners under the master key', '  0 RFX wraps name them now', ...wrong].sort(),
    )
    const { status, stdout } = await adopt(['--from-env', 'FORMER_KEY', '--json'], { FORMER_KEY: formerKey })
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      outcomes: [{ owner: 'user', ownerId: foreign, outcome: 'adopted', wraps: 0 }],
    })
    expect(await adopt([])).toEqual({ status: 0, stdout: 'There is nothing to adopt.', stderr: '' })
    const { rows } = await sql`select user_id from public.user_key where user_id in (${own}::uuid, ${foreign}::uuid)
      and state = 'active'`.execute(database.owner)
    expect(rows).toHaveLength(2)
  })

  it('nokkel keyring adopt killed at any moment goes on where it was', async () => {
    const columns = sourceColumns(testPrivateKeys[2], keys.MASTER_ENCRYPTION_KEY, 'base64')
    const ids = await Promise.all(Array.from({ length: 24 }, () => createUser(columns)))
    const left = async () =>
      Number(
        (
          await sql<{
            count: string
          }>`select count(*) from public.app_user u where u.auth_user_id = any (${ids}::uuid[])
            and not exists (select from public.user_key k where k.user_id = u.auth_user_id
              and k.state = 'active' and k.encrypted_private_key = u.encrypted_private_key)`.execute(database.owner)
        ).rows[0]?.count,
      )
    const child = start(['keyring', 'adopt'], env)
    const ended = new Promise((resolve) => child.once('close', resolve))
    while ((await left()) === ids.length && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5))
    child.kill('SIGKILL')
    await ended
    const rest = await left()
    const { rows } = await sql`select from public.app_user u where u.encrypted_private_key is not null and not exists (
      select from public.user_key k where k.user_id = u.auth_user_id and k.encrypted_private_key = u.encrypted_private_key)
      and u.encrypted_private_key <> ${columns.encryptedPrivateKey}`.execute(database.owner)
    expect(rows).toEqual([])
    expect(rest).toBeLessThan(ids.length)
    expect((await adopt([])).status).toBe(0)
    expect(await left()).toBe(0)
  })

  it('nokkel keyring status shows versions and rows, and needs no key', async () => {
    const status = (...options: string[]) =>
      nokkel(['keyring', 'status', ...options], { env: { DATABASE_URL: env.DATABASE_URL ?? '' } })
    const organization = await createOrganization(database)
    await sql`insert into public.vipps_org_config (organization_id, environment, client_id, wrapped_client_secret, master_key_id)
      select ${organization}::uuid, 'production', 'client', sha256('x'), v.key_id from nokkel.master_key_version v`.execute(
      database.owner,
    )
    const { stdout } = await status('--json')
    expect(JSON.parse(stdout)).toEqual({
      versions: [
        {
          keyId: expect.stringMatching(/^[\w-]{22}$/),
          createdAt: expect.any(String),
          retiredAt: null,
          wraps: expect.any(Number),
          rows: {
            userKeys: 26,
            companyKeys: 0,
            bidParts: 0,
            personKeys: 0,
            clientSecrets: 1,
            mergedRows: 0,
            waitingLogins: 0,
            sessionKeys: 0,
            identityKeys: 0,
          },
        },
      ],
      maximumWraps: 4294967296,
    })
    expect((await status()).stdout).toMatch(
      /^master key +since +wraps +of 2\^32 +user keys .* retired\n[\w-]{22} +\d{4}-\d\d-\d\d +\d+ +0\.\d{4} % +26 +0 +0 +0 +1 +0 +0 +0 +0$/,
    )
    await sql`update nokkel.master_key_version set wraps = 2147483648`.execute(database.owner)
    expect(await status()).toMatchObject({ status: 1, stderr: expect.stringContaining('has used half of its wraps') })
    await sql`update nokkel.master_key_version set retired_at = '2026-11-21'`.execute(database.owner)
    expect(await status()).toMatchObject({ status: 0, stdout: expect.stringMatching(/ 2026-11-21$/), stderr: '' })
    await sql`update nokkel.master_key_version set retired_at = null`.execute(database.owner)
  })

  it.each([
    ['another keyring', { MASTER_ENCRYPTION_KEY: formerKey }, [], 'The master key is not the one'],
    ['to rehearse with it', { MASTER_ENCRYPTION_KEY: formerKey }, ['--dry-run'], 'The master key is not the one'],
    ['made-up keys', { MASTER_ENCRYPTION_KEY: `${'0'.repeat(63)}1` }, [], 'A master key is not random'],
    ['a variable that is not set', {}, ['--from-env', 'FORMER_KEY'], 'FORMER_KEY is not set'],
    ['a variable with something else', { FORMER_KEY: 'planted' }, ['--from-env', 'FORMER_KEY'], 'FORMER_KEY must be'],
    ['no database', { DATABASE_URL: '' }, [], 'DATABASE_URL is not set'],
    ['another role', { DATABASE_URL: 'postgres://nobody:planted@localhost:1/x' }, [], 'ECONNREFUSED'],
    [
      'a directory without a database',
      {},
      ['--data', '/nonexistent'],
      'There is no embedded database in /nonexistent.',
    ],
  ] as const)('nokkel keyring adopt refuses %s', async (_what, changes, options, expected) => {
    const { status, stdout, stderr } = await adopt(options, changes)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(expected)
    for (const secret of ['planted', formerKey, keys.MASTER_ENCRYPTION_KEY]) expect(stderr).not.toContain(secret)
  })
})

describe('on an embedded database', { timeout: 60_000 }, () => {
  it('nokkel keyring status works while no server runs, and refuses in a sentence while one does', async () => {
    const embedded = await openEmbeddedDatabase({
      directory: join(directory, 'database'),
      migrations: await readMigrations(ownMigrations()),
    })
    const status = () => nokkel(['keyring', 'status', '--data', directory])
    expect(await status()).toEqual({
      status: 1,
      stdout: '',
      stderr: `The data directory ${join(directory, 'database')} is in use by process ${process.pid}; only one process may open an embedded database.`,
    })
    await embedded.close()
    expect(await status()).toMatchObject({ status: 0, stdout: expect.stringContaining('no master key') })
  })

  it('commands that only read do not migrate', async () => {
    const migrations = await readMigrations(ownMigrations())
    const open = (to: number | undefined) =>
      openEmbeddedDatabase({ directory: join(directory, 'database'), migrations: migrations.slice(0, to) })
    await (await open(-1)).close()
    const before = await versionOf(directory)
    const pending = { status: 1, stdout: '', stderr: expect.stringContaining('The database has pending migrations') }
    expect(await nokkel(['keyring', 'status', '--data', directory])).toEqual(pending)
    const rehearsal = ['keyring', 'adopt', '--dry-run', '--data', directory]
    expect(await nokkel(rehearsal, { env: randomKeys() })).toEqual(pending)
    expect(await versionOf(directory)).toBe(before)
  })
})

async function versionOf(directory: string): Promise<string | undefined> {
  const { database, close } = await openEmbeddedDatabase({ directory: join(directory, 'database') })
  const { rows } = await sql<{ version: string }>`select nokkel.schema_version() as version`.execute(database)
  await close()
  return rows[0]?.version
}

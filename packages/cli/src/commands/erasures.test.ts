import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createEquipped, createOrganization } from '../../../../tools/testing/people.ts'
import { nokkel, start } from '../testing/transcript.ts'

describe('nokkel erasures', { timeout: 60_000 }, () => {
  let database: TestDatabase
  let restored: TestDatabase
  let directory: string
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    restored = await createTestDatabase('postgres')
    directory = mkdtempSync(join(tmpdir(), 'nokkel-erasures-'))
  })
  afterAll(async () => {
    rmSync(directory, { recursive: true })
    await database.close()
    await restored.close()
  })

  const run = (words: readonly string[], of = database) =>
    nokkel(['erasures', ...words], { env: { DATABASE_URL: of.url ?? '' } })
  const file = (name: string) => join(directory, name)
  /** Somebody with this id in both, as if the other one were restored from a backup of the first. */
  async function createTwin() {
    const { id, claims } = await createEquipped(database, await createOrganization(database))
    await sql`
      insert into public.app_user (auth_user_id, name, created_at)
      values (${id}::uuid, 'Kari Nordmann', now() - interval '1 day')`.execute(restored.owner)
    return { id, claims }
  }
  const isIn = async ({ owner }: TestDatabase, id: string) =>
    (await sql`select from public.app_user where auth_user_id = ${id}::uuid`.execute(owner)).rows.length > 0

  it('list shows nobody, then when and how much', async () => {
    expect(await run(['list'])).toEqual({ status: 0, stdout: 'Nobody was erased.', stderr: '' })
    const { id, claims } = await createTwin()
    const erasure = randomUUID()
    await sql`
      select nokkel.erase_person(${claims.sid}::uuid, ${id}::uuid, ${claims.organization}::uuid, ${randomUUID()}::uuid,
        ${erasure}::uuid, interval '30 days')`.execute(database.server)
    const { status, stdout } = await run(['list'])
    expect(status).toBe(0)
    expect(stdout).toMatch(
      new RegExp(`^${erasure}  erased \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z, backups until \\d{4}-\\d\\d-\\d\\d, \\d+ rows$`),
    )
    const { erasures } = JSON.parse((await run(['list', '--json'])).stdout)
    expect(erasures).toMatchObject([{ id: erasure, userId: id, formerIds: [], removed: { app_user: 1, session: 1 } }])

    const exported = file('erasures.jsonl')
    expect(await run(['export', exported])).toEqual({
      status: 0,
      stdout: `Erasures in ${exported} now: 1.`,
      stderr: '',
    })
    expect(statSync(exported).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(exported, 'utf8'))).toMatchObject({ v: 1, id: erasure, userId: id })
    expect(await run(['export', exported])).toEqual({
      status: 1,
      stdout: '',
      stderr: `${exported} is there already; nothing was overwritten.`,
    })

    expect(await isIn(restored, id)).toBe(true)
    expect(await run(['replay', exported], restored)).toEqual({
      status: 0,
      stdout: 'Erasures: 1. Accounts that were here again, and are erased: 1.',
      stderr: '',
    })
    expect(await isIn(restored, id)).toBe(false)
    expect(JSON.parse((await run(['replay', exported, '--json'], restored)).stdout)).toEqual({ entries: 1, erased: 0 })
    expect(JSON.parse((await run(['list', '--json'], restored)).stdout)).toEqual({ erasures })

    // Half a line, and a whole one that has lost its end.
    const text = readFileSync(exported, 'utf8')
    for (const cut of [40, text.length - 1]) {
      writeFileSync(file('cut.jsonl'), text + text.slice(0, cut))
      const { status, stdout, stderr } = await run(['replay', file('cut.jsonl')], restored)
      expect([status, stdout]).toEqual([0, 'Erasures: 1. Accounts that were here again, and are erased: 0.'])
      expect(stderr).toMatch(/^The last line of .*cut\.jsonl has no end and was left out: .*\.$/)
    }
  })

  it('replay refuses what it cannot read, and erases nobody', async () => {
    const { id } = await createTwin()
    const entry = { v: 1, id: randomUUID(), userId: id, formerIds: [], removed: {} }
    const now = Date.now()
    const dates = {
      erasedAt: new Date(now).toISOString(),
      backupsExpireAt: new Date(now + 30 * 86_400_000).toISOString(),
    }
    const good = JSON.stringify({ ...entry, ...dates })
    writeFileSync(file('broken.jsonl'), `${good}\n${JSON.stringify(entry)}\n`)
    expect(await run(['replay', file('broken.jsonl')], restored)).toEqual({
      status: 1,
      stdout: '',
      stderr: `Line 2 of ${file('broken.jsonl')} is no erasure; nothing of it was used.`,
    })
    expect(await isIn(restored, id)).toBe(true)
    expect(await run(['replay', file('none')])).toMatchObject({
      status: 1,
      stderr: `${file('none')} cannot be read: ENOENT.`,
    })
    expect((await run(['replay'])).status).toBe(2)
    expect((await run(['export', '--help'])).stdout).toContain('nokkel erasures export FILE')

    // The server itself does it, before it listens; and writes down what only the database knew of.
    writeFileSync(file('providers.json'), '[]')
    const env = {
      DATABASE_URL: restored.url ?? '',
      PUBLIC_URL: 'https://keys.example.no',
      PROVIDERS_FILE: file('providers.json'),
      MASTER_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
      INDEX_KEY: randomBytes(32).toString('hex'),
      ERASURE_LEDGER: file('ledger.jsonl'),
    }
    expect(await nokkel(['serve', '--port', '0', '--host', 'localhost'], { env })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`nokkel erasures export ${file('ledger.jsonl')}.`),
    })
    expect(existsSync(file('ledger.jsonl'))).toBe(false)
    writeFileSync(file('ledger.jsonl'), `${good}\n`)
    const child = start(['serve', '--port', '0', '--host', 'localhost'], env)
    let logged = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      logged += text
    })
    await new Promise<void>((resolve, reject) => {
      child.once('close', () => reject(new Error(logged)))
      child.stderr.setEncoding('utf8').on('data', (text) => text.includes('listens on port') && resolve())
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGTERM')
    await ended
    expect(await isIn(restored, id)).toBe(false)
    expect(logged).toContain('"event":"erased_again","count":1')
    expect(logged).toContain('"event":"ledger_completed","count":1')
    expect(logged).toContain('"event":"backup_retention_assumed","count":30')
    expect(logged).not.toContain(id)
    expect(readFileSync(file('ledger.jsonl'), 'utf8').split('\n')).toHaveLength(3)
  })
})

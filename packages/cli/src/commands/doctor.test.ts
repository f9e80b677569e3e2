import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedDatabase, readMigrations } from '@nokkel/server/node'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApi, type TestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createProjectOf, createRfxCast, type RfxCast } from '../../../../tools/testing/rfx/cast.ts'
import { ownMigrations } from '../settings/migrations.ts'
import { nokkel } from '../testing/transcript.ts'

describe('nokkel doctor', () => {
  let directory: string
  const secret = randomBytes(32).toString('hex')
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'nokkel-doctor-'))
    for (const folder of ['clean', 'leaking', 'empty']) mkdirSync(join(directory, folder))
    writeFileSync(join(directory, 'clean/index.html'), '<p>Hei</p>')
    writeFileSync(join(directory, 'leaking/index.js'), `const a = 1\nconst key = '${secret}'\n`)
  })
  afterAll(() => rmSync(directory, { recursive: true }))
  const scan = (folder: string, ...options: string[]) =>
    nokkel(['doctor', '--bundle', join(directory, folder), ...options], { env: { MASTER_ENCRYPTION_KEY: secret } })

  it('finds nothing', async () => {
    expect(await scan('clean')).toEqual({ status: 0, stdout: 'Nothing found in 1 texts.', stderr: '' })
  })

  it('finds the master key, and does not print it', async () => {
    const { status, stdout, stderr } = await scan('leaking')
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: [
        'index.js:2:14  environment_value  the value of MASTER_ENCRYPTION_KEY',
        '    the value of a secret of this environment',
        '1 found in 1 texts.',
      ].join('\n'),
      stderr: '',
    })
    const { status: again, stdout: json } = await scan('leaking', '--json')
    expect(again).toBe(1)
    expect(JSON.parse(json)).toMatchObject({ texts: 1, findings: [{ file: 'index.js', line: 2, column: 14 }] })
    expect(json).not.toContain(secret.slice(0, 8))
  })

  it('passes nothing that it did not read', async () => {
    const none = { status: 1, stdout: '', stderr: expect.stringMatching(/build the application first\.$/) }
    expect(await scan('empty')).toEqual(none)
    expect(await scan('missing')).toEqual(none)
    expect(await nokkel(['doctor'])).toEqual({
      status: 2,
      stdout: '',
      stderr: '--bundle is missing. --help says more.',
    })
  })
})

describe('nokkel doctor --database', () => {
  let database: TestDatabase
  let api: TestApi
  let cast: RfxCast
  let id: string
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    api = await createTestApi(database)
    cast = await createRfxCast(database, api)
    id = await createProjectOf(api, cast)
  })
  afterAll(async () => {
    await api.close()
    await database.close()
  })
  const examine = (...options: string[]) =>
    nokkel(['doctor', '--database', ...options], { env: { DATABASE_URL: database.url ?? '' } })

  it('finds nothing', async () => {
    expect(await examine()).toEqual({ status: 0, stdout: 'Nothing found in 1 groups.', stderr: '' })
    const { status, stdout } = await examine('--json')
    expect({ status, report: JSON.parse(stdout) }).toEqual({ status: 0, report: { groups: 1, faults: [] } })
  })

  it('finds what was changed past the server', async () => {
    await sql`update public.rfx_key_members set encrypted_symmetric_key = 'x'
      where rfx_id = ${id}::uuid and user_id = ${cast.supplier.id}::uuid`.execute(database.owner)
    await sql`update public.rfx_manifest set leaves = leaves || sha256('x')
      where rfx_id = ${id}::uuid and revision = 1`.execute(database.owner)
    expect(await examine()).toEqual({
      status: 1,
      stdout: [
        `${id}  manifest_invalid`,
        `${id}  wrap_unsigned  app_user ${cast.supplier.id}`,
        `${id}  leaf_unexplained`,
        '3 found in 1 groups.',
      ].join('\n'),
      stderr: '',
    })
    const { status, stdout } = await examine('--json')
    expect(status).toBe(1)
    expect(JSON.parse(stdout).faults[1]).toEqual({
      problem: 'wrap_unsigned',
      groupId: id,
      subjectType: 'app_user',
      subjectId: cast.supplier.id,
    })
  })

  it('looks into an embedded database, while no server has it open', async () => {
    const data = mkdtempSync(join(tmpdir(), 'nokkel-doctor-'))
    const migrations = await readMigrations(ownMigrations())
    const embedded = await openEmbeddedDatabase({ directory: join(data, 'database'), migrations })
    expect(await nokkel(['doctor', '--database', '--data', data])).toMatchObject({ status: 1, stdout: '' })
    await embedded.close()
    expect(await nokkel(['doctor', '--database', '--data', data])).toEqual({
      status: 0,
      stdout: 'Nothing found in 0 groups.',
      stderr: '',
    })
    rmSync(data, { recursive: true })
  })

  it('is called with one of both', async () => {
    expect(await examine('--bundle', 'dist')).toMatchObject({ status: 2, stdout: '' })
    expect(await nokkel(['doctor', '--bundle', 'dist', '--data', 'data'])).toMatchObject({ status: 2, stdout: '' })
    expect(await nokkel(['doctor', '--database'])).toMatchObject({ status: 1, stdout: '' })
  })
})

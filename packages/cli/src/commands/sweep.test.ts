import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../tools/testing/database.ts'
import { nokkel } from '../testing/transcript.ts'

describe('nokkel sweep', { timeout: 60_000 }, () => {
  let database: TestDatabase
  let env: Record<string, string>
  beforeAll(async () => {
    database = await createTestDatabase('postgres')
    env = { DATABASE_URL: database.url ?? '' }
  })
  afterAll(() => database.close())

  it('deletes what has expired, and says how much', async () => {
    expect(await nokkel(['sweep'], { env })).toEqual({ status: 0, stdout: 'Nothing has expired.', stderr: '' })
    const expire = (key: string) =>
      sql`insert into nokkel.dpop_proof values (sha256(${key}::bytea), now())`.execute(database.owner)
    await expire('a')
    await expire('b')
    expect(await nokkel(['sweep'], { env })).toEqual({ status: 0, stdout: 'proofs: 2', stderr: '' })
    await expire('c')
    const { status, stdout } = await nokkel(['sweep', '--json'], { env })
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ swept: expect.objectContaining({ proofs: 1, sessions: 0 }) })
    expect((await sql`select from nokkel.dpop_proof`.execute(database.owner)).rows).toEqual([])
  })

  it('leaves it to a server that is at it', async () => {
    await database.owner.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtextextended('nokkel sweep', 0))`.execute(transaction)
      expect((await nokkel(['sweep'], { env })).stdout).toBe('A server is sweeping at this moment.')
      expect(JSON.parse((await nokkel(['sweep', '--json'], { env })).stdout)).toEqual({ swept: null })
    })
  })

  it('says what is missing, and how it is called', async () => {
    expect(await nokkel(['sweep'])).toMatchObject({ status: 1, stderr: expect.stringContaining('DATABASE_URL') })
    expect(await nokkel(['sweep', 'everything'], { env })).toMatchObject({ status: 2 })
    const empty = await mkdtemp(join(tmpdir(), 'nokkel-sweep-'))
    const without = await nokkel(['sweep', '--data', empty])
    expect(without).toMatchObject({ status: 1, stderr: expect.stringContaining('There is no embedded database') })
    await rm(empty, { recursive: true })
    const help = await nokkel(['sweep', '--help'])
    expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining('nokkel sweep [--data DIR] [--json]') })
  })
})

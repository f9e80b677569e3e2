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
    expect(JSON.parse(stdout)).toEqual({ swept: expect.objectContaining({ proofs: 1, sessions: 0 }), failed: {} })
    expect((await sql`select from nokkel.dpop_proof`.execute(database.owner)).rows).toEqual([])
  })

  it('says which kind failed, and deletes the others', async () => {
    const run = (statement: ReturnType<typeof sql>) => statement.execute(database.owner)
    await run(sql`insert into nokkel.dpop_proof values (sha256('d'), now())`)
    await run(sql`insert into nokkel.rate_counter values (sha256('d'), now() - interval '1 hour', 1, 0)`)
    await run(sql`create function public.fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$`)
    await run(sql`create trigger fail before delete on nokkel.dpop_proof execute function public.fail()`)
    expect(await nokkel(['sweep'], { env })).toEqual({
      status: 1,
      stdout: 'counters: 1',
      stderr: 'Not swept, and tried again the next time: proofs (P0001). The log of the database says why.',
    })
    await run(sql`drop function public.fail() cascade`)
    expect(await nokkel(['sweep'], { env })).toEqual({ status: 0, stdout: 'proofs: 1', stderr: '' })
  })

  it('leaves it to a server that is at it', async () => {
    await database.owner.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtextextended('nokkel sweep', 0))`.execute(transaction)
      expect((await nokkel(['sweep'], { env })).stdout).toBe('A server is sweeping at this moment.')
      expect(JSON.parse((await nokkel(['sweep', '--json'], { env })).stdout)).toEqual({ swept: null, failed: {} })
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

import { randomBytes } from 'node:crypto'
import { listOrganizations } from '@nokkel/contract'
import { type LogEntry, sweep } from '@nokkel/server'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestApi } from '../../../../tools/testing/api.ts'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'

describe.each(databaseEngines)('sweeping [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())
  beforeEach(() => run(sql`delete from nokkel.last_sweep`))

  const run = (statement: ReturnType<typeof sql>) => statement.execute(database.owner)
  /** Something that has expired. */
  async function expire(): Promise<() => Promise<boolean>> {
    const hash = randomBytes(32)
    await run(sql`insert into nokkel.dpop_proof values (${hash}::bytea, now() - interval '1 second')`)
    return async () => (await run(sql`select from nokkel.dpop_proof where jti_hash = ${hash}::bytea`)).rows.length > 0
  }
  /** A server that lives for so many requests. */
  async function live(requests: number, now = () => new Date()): Promise<LogEntry[]> {
    const logged: LogEntry[] = []
    const api = await createTestApi(database, { now, logger: (entry) => logged.push(entry) })
    for (let request = 0; request < requests; request++) {
      expect((await api.call(listOrganizations, undefined)).status).toBe(200)
    }
    await api.close()
    return logged
  }
  const passed = (minutes: number) =>
    run(sql`update nokkel.last_sweep set swept_at = swept_at - ${minutes}::integer * interval '1 minute'`)

  it('happens where each server lives for one request only', async () => {
    const isThere = await expire()
    await live(1)
    expect(await isThere()).toBe(false)
  })

  it('waits for a request', async () => {
    const isThere = await expire()
    await live(0)
    expect(await isThere()).toBe(true)
  })

  it('is not done again within ten minutes, by whichever server', async () => {
    await live(1)
    const isThere = await expire()
    await passed(9)
    await live(2)
    expect(await isThere()).toBe(true)
    await passed(1)
    await live(1)
    expect(await isThere()).toBe(false)
  })

  it('goes on in a server that lives on', async () => {
    let time = Date.now()
    const api = await createTestApi(database, { now: () => new Date(time) })
    await api.call(listOrganizations, undefined)
    // It is done after the answer.
    await expect.poll(async () => (await run(sql`select from nokkel.last_sweep`)).rows.length).toBe(1)
    const isThere = await expire()
    await passed(11)
    time += 600_000
    await api.call(listOrganizations, undefined)
    await api.close()
    expect(await isThere()).toBe(false)
  })

  it('is one, when several servers begin at once', async () => {
    const logs = await Promise.all([live(1), live(1), live(1)])
    expect(logs.flat().filter(({ event }) => event !== 'request')).toEqual([])
    expect((await run(sql`select from nokkel.last_sweep`)).rows).toHaveLength(1)
  })

  it('of one kind that fails, stops no answer and no other kind, and is tried again', async () => {
    const isThere = await expire()
    const counter = randomBytes(32)
    await run(sql`insert into nokkel.rate_counter values (${counter}::bytea, now() - interval '1 hour', 1, 0)`)
    await run(sql`create function public.fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$`)
    await run(sql`create trigger fail before delete on nokkel.dpop_proof execute function public.fail()`)
    const error = { name: 'proofs', code: 'P0001' }
    expect(await live(1)).toContainEqual({ level: 'error', event: 'sweep_failed', error })
    expect(await isThere()).toBe(true)
    expect((await run(sql`select from nokkel.rate_counter where subject = ${counter}::bytea`)).rows).toEqual([])
    expect(await sweep(database.server)).toMatchObject({
      swept: { counters: 0, consents: 0, forgotten: 0 },
      failed: { proofs: 'P0001' },
    })
    await run(sql`drop function public.fail() cascade`)
    await passed(11)
    await live(1)
    expect(await isThere()).toBe(false)
  })

  it('keeps a host that stops after the answer', async () => {
    const isThere = await expire()
    const work: Promise<unknown>[] = []
    const api = await createTestApi(database)
    await api.server.fetch(new Request('http://localhost:3000/nokkel/organizations'), {
      waitUntil: (upkeep) => work.push(upkeep),
    })
    expect(work).toHaveLength(1)
    await Promise.all(work)
    expect(await isThere()).toBe(false)
    await api.close()
  })

  it('is done at any time when it is asked for, and counts', async () => {
    await live(1)
    await expire()
    expect(await sweep(database.server)).toMatchObject({ swept: { proofs: 1, sessions: 0 }, failed: {} })
    const isThere = await expire()
    await live(1)
    expect(await isThere()).toBe(true)
  })
})

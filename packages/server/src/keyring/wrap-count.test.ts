import type { KeyId } from '@nokkel/crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import type { LogEntry } from '../http/logger.ts'
import { createWrapCount } from './wrap-count.ts'

const keyId = 'AAAAAAAAAAAAAAAAAAAAAA' as KeyId
const limit = 2 ** 32

describe.each(databaseEngines)('count of wraps [%s]', (engine) => {
  let database: TestDatabase
  let logged: LogEntry[] = []
  beforeAll(async () => {
    database = await createTestDatabase(engine)
    await sql`insert into nokkel.master_key_version (key_id, check_value) values (${keyId}, '\\x00'), ('other', '\\x00')`.execute(
      database.owner,
    )
  })
  afterAll(() => database.close())

  const start = () => createWrapCount(database.server, keyId, (entry) => logged.push(entry))
  const stored = async (id: string = keyId) => {
    const { rows } = await sql<{ wraps: string }>`
      select wraps from nokkel.master_key_version where key_id = ${id}`.execute(database.owner)
    return Number(rows[0]?.wraps)
  }
  const set = async (wraps: number) => {
    logged = []
    await sql`update nokkel.master_key_version set wraps = ${wraps} where key_id = ${keyId}`.execute(database.owner)
  }
  const count = async (countWrap: () => Promise<void>, times: number) => {
    for (let done = 0; done < times; done++) await countWrap()
  }

  it('begins with a block for check values and what was before', async () => {
    expect(await stored()).toBe(1000)
  })

  it('reserves before it counts, once for many', async () => {
    await set(1000)
    const countWrap = start()
    expect(await stored()).toBe(1000)
    await countWrap()
    expect(await stored()).toBe(2000)
    await count(countWrap, 999)
    expect(await stored()).toBe(2000)
    await countWrap()
    expect(await stored()).toBe(3000)
    expect(await stored('other')).toBe(1000)
  })

  it('is never too low, whoever counts and whoever ends', async () => {
    await set(0)
    await count(start(), 500)
    await Promise.all([start(), start(), start()].map((countWrap) => count(countWrap, 1001)))
    expect(await stored()).toBe(7000)
  })

  it('asks once for all who wait, and gives none twice', async () => {
    await set(0)
    const countWrap = start()
    await Promise.all(Array.from({ length: 2500 }, () => countWrap()))
    expect(await stored()).toBe(3000)
  })

  it('warns from half of the limit on, once for each block', async () => {
    await set(2 ** 31 - 2000)
    const countWrap = start()
    await count(countWrap, 1000)
    expect(logged).toEqual([])
    await count(countWrap, 1500)
    expect(logged).toEqual(Array(2).fill({ level: 'warn', event: 'master_key_wears_out' }))
  })

  it('ends before the limit, for every server', async () => {
    await set(limit - 1500)
    const countWrap = start()
    await count(countWrap, 1000)
    for (const ended of [countWrap, countWrap, start()]) {
      await expect(ended()).rejects.toMatchObject({ code: 'master_key_exhausted' })
    }
    expect(await stored()).toBe(limit - 500)
  })

  it('tries again after the database was away', async () => {
    await set(0)
    const countWrap = start()
    await sql`alter function nokkel.reserve_wraps(text, integer) rename to away`.execute(database.owner)
    await expect(countWrap()).rejects.toThrow()
    await sql`alter function nokkel.away(text, integer) rename to reserve_wraps`.execute(database.owner)
    await countWrap()
    expect(await stored()).toBe(1000)
  })

  it('does not count for a version that is not there', async () => {
    const countWrap = createWrapCount(database.server, 'unknown' as KeyId, () => undefined)
    await expect(countWrap()).rejects.toMatchObject({ code: 'master_key_exhausted' })
  })
})

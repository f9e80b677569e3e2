import { randomUUID } from 'node:crypto'
import { type KyselyPlugin, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, databaseEngines, type TestDatabase } from '../../../../tools/testing/database.ts'
import { createLoginSystem, publicUrl } from '../../../../tools/testing/login.ts'
import { withinOneMinute } from '../../../../tools/testing/one-minute.ts'
import { createRateLimiter } from './rate-limiter.ts'

const hash = (text: string) => sql`sha256(convert_to(${text}::text, 'UTF8'))`

/** Counts the statements that go through it. */
function createCounter(): KyselyPlugin & { statements: number } {
  return {
    statements: 0,
    transformQuery({ node }) {
      this.statements++
      return node
    },
    transformResult: async ({ result }) => result,
  }
}

describe.each(databaseEngines)('rate limits [%s]', (engine) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase(engine)
  })
  afterAll(() => database.close())

  async function leased(subject: string): Promise<number> {
    const { rows } = await sql<{ current: number }>`
      select current from nokkel.rate_counter where subject = ${hash(subject)}`.execute(database.owner)
    return rows[0]?.current ?? 0
  }

  /** A server process: its own leases, and a clock that can be ahead. */
  function createProcess() {
    const clock = { aheadMilliseconds: 0 }
    const counter = createCounter()
    const limiter = createRateLimiter({
      database: database.server.withPlugin(counter),
      now: () => new Date(Date.now() + clock.aheadMilliseconds),
    })
    const allowed = (subject: string, limit: number, count?: number) =>
      limiter(subject, limit, count).then(
        () => true,
        (error) => {
          expect(error).toMatchObject({ code: 'rate_limited', data: { retryAfterSeconds: expect.any(Number) } })
          return false
        },
      )
    return { clock, counter, limiter, allowed }
  }

  const count = (outcomes: readonly boolean[]) => outcomes.filter(Boolean).length

  describe('of one process', () => {
    it('let as many through as they say, of each subject', async () => {
      const { allowed } = createProcess()
      await withinOneMinute(database, async (subject) => {
        const outcomes: boolean[] = []
        for (let time = 0; time < 4; time++) outcomes.push(await allowed(subject, 3))
        expect(outcomes).toEqual([true, true, true, false])
        expect(await allowed(`${subject} other`, 3)).toBe(true)
      })
    })

    it('let several through at once, or none of them', async () => {
      const { allowed } = createProcess()
      for (const limit of [10, 1000]) {
        await withinOneMinute(database, async (subject) => {
          expect(await allowed(subject, limit, limit - 2)).toBe(true)
          expect(await allowed(subject, limit, 3)).toBe(false)
          expect(await allowed(subject, limit, 2)).toBe(true)
          expect(await allowed(subject, limit)).toBe(false)
        })
      }
    })

    it('refuse for good what is more than the limit', async () => {
      expect(await createProcess().allowed(randomUUID(), 3, 4)).toBe(false)
      expect(await createProcess().allowed(randomUUID(), 0)).toBe(false)
    })

    it('lease in blocks above 120 a minute, and lose none of the limit', async () => {
      const { allowed, counter } = createProcess()
      await withinOneMinute(database, async (subject) => {
        counter.statements = 0
        const outcomes: boolean[] = []
        for (let time = 0; time < 1201; time++) outcomes.push(await allowed(subject, 1200))
        expect(outcomes.indexOf(false)).toBe(1200)
        expect(counter.statements).toBeGreaterThan(20)
        expect(counter.statements).toBeLessThan(30)
      })
    })

    it('lease no more than was needed so far, at first', async () => {
      const { allowed } = createProcess()
      await withinOneMinute(database, async (subject) => {
        expect(await allowed(subject, 6000)).toBe(true)
        expect(await leased(subject)).toBe(8)
        for (let time = 0; time < 8; time++) await allowed(subject, 6000)
        expect(await leased(subject)).toBe(16)
        expect(await allowed(subject, 6000, 100)).toBe(true)
        expect(await leased(subject)).toBe(109)
      })
    })

    it('lose what was leased when the minute ends', async () => {
      const { allowed, clock } = createProcess()
      await withinOneMinute(database, async (subject) => {
        await allowed(subject, 200)
        expect(await leased(subject)).toBe(8)
        clock.aheadMilliseconds += 61_000
        await allowed(subject, 200)
        expect(await leased(subject)).toBe(16)
      })
    })

    it('do not bring a refused flood to the database', async () => {
      const { allowed, counter } = createProcess()
      for (const limit of [5, 500]) {
        await withinOneMinute(database, async (subject) => {
          await allowed(subject, limit, limit)
          counter.statements = 0
          const flood = await Promise.all(Array.from({ length: 500 }, () => allowed(subject, limit)))
          expect(count(flood)).toBe(0)
          expect(counter.statements).toBe(1)
        })
      }
    })

    it('are off when there is none, and ask no database', async () => {
      const { allowed, counter } = createProcess()
      for (let time = 0; time < 100; time++) expect(await allowed('anybody', Infinity, 1000)).toBe(true)
      expect(counter.statements).toBe(0)
    })

    it('let nobody through who cannot be counted, and go on when they can', async () => {
      const { limiter } = createProcess()
      const subject = randomUUID()
      const rename = (from: string, to: string) => sql.raw(`alter function nokkel.${from} rename to ${to}`)
      await rename('take_rate', 'take_rate_no_more').execute(database.owner)
      const failed = limiter(subject, 60)
      const outcome = expect(failed).rejects.toMatchObject({ code: 'unavailable' })
      await outcome.finally(() => rename('take_rate_no_more', 'take_rate').execute(database.owner))
      await expect(limiter(subject, 60)).resolves.toBeUndefined()
    })
  })

  describe('of two processes', () => {
    it('are exact up to 120 a minute, however many ask at once', async () => {
      const processes = [createProcess(), createProcess()]
      await withinOneMinute(database, async (subject) => {
        const outcomes = await Promise.all(
          Array.from({ length: 150 }, (_, index) => processes[index % 2]?.allowed(subject, 60) ?? false),
        )
        expect(count(outcomes)).toBe(60)
        expect(await leased(subject)).toBe(60)
      })
    })

    it('are never late above that, and early by less than one block', async () => {
      const processes = [createProcess(), createProcess()]
      await withinOneMinute(database, async (subject) => {
        let granted = 0
        for (let time = 0; time < 700; time++) {
          for (const { allowed } of processes) if (await allowed(subject, 1000)) granted++
        }
        expect(granted).toBeLessThanOrEqual(1000)
        expect(granted).toBeGreaterThan(950)
      })
    })
  })

  describe('of the database', () => {
    const minute = Date.UTC(2026, 0, 1, 12, 0)

    function counting(limit: number) {
      const subject = randomUUID()
      return async (seconds: number, least = 1, most = least) => {
        const { rows } = await sql<{ granted: number; wait_milliseconds: number; left_milliseconds: number }>`
          select * from nokkel.take_rate(${hash(subject)}, ${least}, ${most}, ${limit},
            ${new Date(minute + seconds * 1000)})`.execute(database.server)
        return rows[0]
      }
    }

    it('grant what there is, from the least to the most', async () => {
      const take = counting(10)
      expect(await take(0, 1, 6)).toEqual({ granted: 6, wait_milliseconds: 0, left_milliseconds: 60_000 })
      expect(await take(15, 1, 6)).toEqual({ granted: 4, wait_milliseconds: 0, left_milliseconds: 45_000 })
      expect(await take(15, 1, 6)).toMatchObject({ granted: 0, left_milliseconds: 45_000 })
    })

    it('have no burst at the turn of a minute', async () => {
      const take = counting(10)
      for (let time = 0; time < 10; time++) expect(await take(59)).toMatchObject({ granted: 1 })
      expect(await take(61)).toMatchObject({ granted: 0, wait_milliseconds: 5000 })
      expect(await take(66, 1, 10)).toMatchObject({ granted: 1 })
      expect(await take(90, 1, 10)).toMatchObject({ granted: 4 })
    })

    it('forget after two minutes, and do not count what they refused', async () => {
      const take = counting(10)
      for (let time = 0; time < 30; time++) await take(30)
      expect(await take(105, 1, 10)).toMatchObject({ granted: 7 })
      const other = counting(10)
      await other(59, 10)
      expect(await other(180, 1, 10)).toMatchObject({ granted: 10 })
    })

    it.each([
      [60, 10, 60, 1, 51_000],
      [60, 10, 60, 60, 110_000],
      [1, 0, 1, 1, 120_000],
      [10, 30, 8, 5, 52_500],
      [3, 20, 1, 4, 100_000],
    ])('of %i, at %i s after %i: room for %i in %i ms, and not before', async (limit, at, taken, least, wait) => {
      const take = counting(limit)
      expect(await take(at, taken)).toMatchObject({ granted: taken })
      expect(await take(at, least)).toMatchObject({ granted: 0, wait_milliseconds: wait })
      expect(await take(at + wait / 1000 - 0.5, least)).toMatchObject({ granted: 0 })
      expect(await take(at + wait / 1000 + 0.001, least)).toMatchObject({ granted: least <= limit ? least : 0 })
    })

    it('count in the later minute, whose clock was read before the row was free', async () => {
      const take = counting(10)
      expect(await take(60.1, 6)).toMatchObject({ granted: 6 })
      expect(await take(59.9, 4)).toEqual({ granted: 4, wait_milliseconds: 0, left_milliseconds: 60_000 })
      expect(await take(60.2)).toMatchObject({ granted: 0 })
    })
  })

  it('hold over the servers of one database', async () => {
    const limits = { login: { address: 60, person: 20 } }
    const servers = [
      await createLoginSystem(database, { limits }),
      await createLoginSystem(database, { limits, ...(database.url === undefined ? {} : { database: database.url }) }),
    ]
    const attempt = async (clientAddress: string, index: number) => {
      const path = index % 3 ? '/nokkel/login' : '/nokkel/login/complete'
      const headers = { 'content-type': 'application/json' }
      const request = new Request(`${publicUrl}${path}`, { method: 'POST', headers, body: '{}' })
      const response = await servers[index % 2]?.server.fetch(request, { clientAddress })
      return { status: response?.status, retryAfter: Number(response?.headers.get('retry-after')) }
    }
    await withinOneMinute(database, async (clientAddress) => {
      const answers = await Promise.all(Array.from({ length: 120 }, (_, index) => attempt(clientAddress, index)))
      const refused = answers.filter(({ status }) => status === 429)
      expect(refused).toHaveLength(60)
      for (const { retryAfter } of refused) expect(retryAfter).toBeGreaterThan(0)
      expect((await attempt(`${clientAddress} other`, 1)).status).toBe(400)
    })
    for (const { close } of servers) await close()
  })
})

import { describe, expect, it } from 'vitest'
import { createLocalRateLimiter } from './local-rate-limiter.ts'

describe('rate limit of one process', () => {
  function limiter() {
    const clock = { time: 1_800_000_000_000 - (1_800_000_000_000 % 60_000) }
    const limit = createLocalRateLimiter(() => new Date(clock.time))
    const allowed = (subject: string, most: number) =>
      limit(subject, most).then(
        () => true,
        () => false,
      )
    return { clock, limit, allowed }
  }

  it('lets as many through as it says, of each subject', async () => {
    const { allowed } = limiter()
    expect(await Promise.all(Array.from({ length: 4 }, () => allowed('a', 3)))).toEqual([true, true, true, false])
    expect(await allowed('b', 3)).toBe(true)
  })

  it('has no burst at the turn of a minute', async () => {
    const { clock, allowed } = limiter()
    clock.time += 59_000
    for (let count = 0; count < 10; count++) expect(await allowed('a', 10)).toBe(true)
    clock.time += 2_000
    expect(await allowed('a', 10)).toBe(false)
  })

  it('forgets after two minutes', async () => {
    const { clock, allowed } = limiter()
    for (let count = 0; count < 10; count++) await allowed('a', 10)
    clock.time += 120_000
    expect(await allowed('a', 10)).toBe(true)
  })

  it('does not count what it refuses', async () => {
    const { clock, allowed } = limiter()
    for (let count = 0; count < 1000; count++) await allowed('a', 10)
    clock.time += 90_000
    expect(await allowed('a', 10)).toBe(true)
  })

  it('counts several at once, all of them or none', async () => {
    const { limit, allowed } = limiter()
    await limit('a', 10, 8)
    await expect(limit('a', 10, 3)).rejects.toMatchObject({ code: 'rate_limited' })
    await limit('a', 10, 2)
    expect(await allowed('a', 10)).toBe(false)
  })

  it('says how long to wait', async () => {
    const { limit } = limiter()
    await limit('a', 1)
    await expect(limit('a', 1)).rejects.toMatchObject({ code: 'rate_limited', data: { retryAfterSeconds: 60 } })
  })
})

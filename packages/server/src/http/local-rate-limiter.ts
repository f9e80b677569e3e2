import type { RateLimiter } from './rate-limit.ts'
import { createRecent } from './recent.ts'
import { ServerError } from './server-error.ts'

const windowMilliseconds = 60_000

/**
 * A sliding window made of two fixed ones: the previous counts in proportion to how much of it is less than a minute
 * old. Counts this process only, for what must answer while there is no database.
 */
export function createLocalRateLimiter(now: () => Date): RateLimiter {
  const counterOf = createRecent(() => ({ windowStart: 0, current: 0, previous: 0 }))
  return async (subject, limit, count = 1) => {
    if (limit === Infinity) return
    const time = now().getTime()
    const windowStart = time - (time % windowMilliseconds)
    const counter = counterOf(subject)
    if (counter.windowStart !== windowStart) {
      counter.previous = windowStart - counter.windowStart === windowMilliseconds ? counter.current : 0
      counter.current = 0
      counter.windowStart = windowStart
    }
    const left = 1 - (time - windowStart) / windowMilliseconds
    if (counter.current + counter.previous * left + count > limit) {
      const retryAfterSeconds = Math.max(1, Math.ceil((left * windowMilliseconds) / 1000))
      throw new ServerError('rate_limited', { data: { retryAfterSeconds } })
    }
    counter.current += count
  }
}

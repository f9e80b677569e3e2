import type { Operation } from '@nokkel/contract'
import { ServerError } from './server-error.ts'

/** What is counted together. */
export type RateClass = 'login' | 'refresh' | 'read' | 'write' | 'bytes'

/** Requests per minute; `address` counts a client address, `person` a logged-in person. `Infinity` switches one off. */
export type RateLimits = Readonly<Record<RateClass, { readonly address: number; readonly person: number }>>

export const defaultRateLimits: RateLimits = {
  login: { address: 60, person: Infinity },
  refresh: { address: 120, person: Infinity },
  read: { address: 6000, person: 1200 },
  write: { address: 3000, person: 600 },
  bytes: { address: 12_000, person: 6000 },
}

const windowMilliseconds = 60_000
const maximumCounters = 50_000

export function rateClass(operation: Operation): RateClass {
  if (operation.path === '/nokkel/session/refresh') return 'refresh'
  if (operation.path.startsWith('/nokkel/login')) return 'login'
  if (operation.path.includes('/chunks/')) return 'bytes'
  return operation.method === 'get' ? 'read' : 'write'
}

/** Counts one request of `subject`. @throws {ServerError} `rate_limited`, with the seconds to wait. */
export type RateLimiter = (subject: string, limit: number) => void

interface Counter {
  windowStart: number
  current: number
  previous: number
}

/**
 * A sliding window made of two fixed ones: the previous counts in proportion to how much of it is less than a minute
 * old. Counts this process only, in bounded memory: past the bound the counter least recently used is forgotten.
 */
export function createRateLimiter(now: () => Date): RateLimiter {
  const counters = new Map<string, Counter>()
  return (subject, limit) => {
    if (limit === Infinity) return
    const time = now().getTime()
    const counter = advance(counters.get(subject), time)
    counters.delete(subject)
    counters.set(subject, counter)
    if (counters.size > maximumCounters) counters.delete(counters.keys().next().value ?? '')
    const elapsed = (time - counter.windowStart) / windowMilliseconds
    if (counter.current + counter.previous * (1 - elapsed) + 1 > limit) {
      const retryAfterSeconds = Math.max(1, Math.ceil(((1 - elapsed) * windowMilliseconds) / 1000))
      throw new ServerError('rate_limited', { data: { retryAfterSeconds } })
    }
    counter.current++
  }
}

function advance(counter: Counter | undefined, time: number): Counter {
  const windowStart = time - (time % windowMilliseconds)
  if (!counter || windowStart - counter.windowStart > windowMilliseconds) {
    return { windowStart, current: 0, previous: 0 }
  }
  return counter.windowStart === windowStart ? counter : { windowStart, current: 0, previous: counter.current }
}

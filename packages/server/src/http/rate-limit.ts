import type { Operation } from '@nokkel/contract'
import { ServerError } from './server-error.ts'

/** Requests that are counted together. */
export type RateClass = 'login' | 'refresh' | 'read' | 'write' | 'bytes' | 'crypto'

/** Items of requests that are counted together, beside the requests. */
export type ItemClass = 'encrypt' | 'decrypt' | 'unwrap'

/** Requests or items per minute; `address` counts a client address, `person` a logged-in person. `Infinity` switches one off. */
export type RateLimits = Readonly<Record<RateClass | ItemClass, { readonly address: number; readonly person: number }>>

export const defaultRateLimits: RateLimits = {
  login: { address: 60, person: Infinity },
  refresh: { address: 120, person: Infinity },
  read: { address: 6000, person: 1200 },
  write: { address: 3000, person: 600 },
  bytes: { address: 12_000, person: 6000 },
  crypto: { address: 12_000, person: 3000 },
  encrypt: { address: 600, person: 200 },
  decrypt: { address: 60_000, person: 6000 },
  unwrap: { address: 60_000, person: 6000 },
}

const windowMilliseconds = 60_000
const maximumCounters = 50_000

export function rateClass(operation: Operation): RateClass {
  if (operation.path === '/nokkel/session/refresh') return 'refresh'
  if (operation.path.startsWith('/nokkel/login') || operation.path === '/nokkel/unseal') return 'login'
  if (operation.path.includes('/chunks/')) return 'bytes'
  if (operation.path === '/crypto-service') return 'crypto'
  return operation.method === 'get' ? 'read' : 'write'
}

/** Counts requests or items of `subject`, one by default: all of them or none. @throws {ServerError} `rate_limited`, with the seconds to wait. */
export type RateLimiter = (subject: string, limit: number, count?: number) => void

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
  return (subject, limit, count = 1) => {
    if (limit === Infinity) return
    const time = now().getTime()
    const counter = advance(counters.get(subject), time)
    counters.delete(subject)
    counters.set(subject, counter)
    if (counters.size > maximumCounters) counters.delete(counters.keys().next().value ?? '')
    const elapsed = (time - counter.windowStart) / windowMilliseconds
    if (counter.current + counter.previous * (1 - elapsed) + count > limit) {
      const retryAfterSeconds = Math.max(1, Math.ceil(((1 - elapsed) * windowMilliseconds) / 1000))
      throw new ServerError('rate_limited', { data: { retryAfterSeconds } })
    }
    counter.current += count
  }
}

function advance(counter: Counter | undefined, time: number): Counter {
  const windowStart = time - (time % windowMilliseconds)
  if (!counter || windowStart - counter.windowStart > windowMilliseconds) {
    return { windowStart, current: 0, previous: 0 }
  }
  return counter.windowStart === windowStart ? counter : { windowStart, current: 0, previous: counter.current }
}

import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { RateLimiter } from './rate-limit.ts'
import { createRecent } from './recent.ts'
import { ServerError } from './server-error.ts'

/** Limits up to this are counted one by one: these are the ones that are reached by guessing. */
const countedSingly = 120
const firstLease = 8
/** However soon there is room for one more, a refused flood asks the database no more often than this. */
const shortestWaitMilliseconds = 1000

/** What this process may still let through of one subject without asking. */
interface Share {
  remaining: number
  /** Let through in this minute. */
  used: number
  /** When the minute of the database ends, by our clock; what remains then is lost. */
  endsAt: number
  /** So many at once are refused until then. */
  refused: { readonly count: number; readonly until: number } | null
  /** The last of those who ask the database, one after another. */
  turn: Promise<unknown>
}

export interface RateLimiterDependencies {
  readonly database: Database
  readonly now: () => Date
}

/**
 * Counts over all servers of a database, in blocks that each process leases: as much as it let through in this minute
 * already, at most a twentieth of the limit. So a limit is reached early by at most what the other processes leased and
 * did not use, and never late.
 */
export function createRateLimiter({ database, now }: RateLimiterDependencies): RateLimiter {
  const shareOf = createRecent(
    (): Share => ({ remaining: 0, used: 0, endsAt: 0, refused: null, turn: Promise.resolve() }),
  )

  /** Whether the share covered it, or a refusal still holds. */
  function decide(share: Share, count: number): boolean {
    const time = now().getTime()
    if (time >= share.endsAt) share.remaining = share.used = 0
    if (share.remaining >= count) {
      share.remaining -= count
      share.used += count
      return true
    }
    const { refused } = share
    if (!refused || time >= refused.until || count < refused.count) return false
    throw new ServerError('rate_limited', { data: { retryAfterSeconds: Math.ceil((refused.until - time) / 1000) } })
  }

  async function lease(share: Share, subject: Uint8Array, limit: number, count: number): Promise<void> {
    while (!decide(share, count)) {
      const least = count - share.remaining
      const block = Math.min(Math.floor(limit / 20), Math.max(firstLease, share.used))
      const most = limit <= countedSingly ? least : Math.max(least, block)
      const askedAt = now().getTime()
      const { granted, waitMilliseconds, leftMilliseconds } = await take(database, subject, { least, most, limit })
      if (granted === 0) {
        share.refused = { count, until: askedAt + Math.max(waitMilliseconds, shortestWaitMilliseconds) }
        continue
      }
      const endsAt = askedAt + leftMilliseconds
      // The minute ended while we asked: what was left of it is lost.
      if (endsAt - share.endsAt > 30_000) share.remaining = share.used = 0
      share.refused = null
      share.endsAt = endsAt
      share.remaining += granted
      if (share.remaining < count) continue
      share.remaining -= count
      share.used += count
      return
    }
  }

  return async (subject, limit, count = 1) => {
    if (limit === Infinity) return
    const share = shareOf(subject)
    if (decide(share, count)) return
    const turn = share.turn.then(async () => lease(share, await digestOf(subject), limit, count))
    share.turn = turn.catch(() => undefined)
    await turn
  }
}

interface Take {
  readonly least: number
  readonly most: number
  readonly limit: number
}

interface Taken {
  readonly granted: number
  readonly waitMilliseconds: number
  /** Of the minute. */
  readonly leftMilliseconds: number
}

/** @throws {ServerError} `unavailable`: who cannot be counted is not let through. */
async function take(database: Database, subject: Uint8Array, { least, most, limit }: Take): Promise<Taken> {
  try {
    const { rows } = await sql<Taken>`
      select granted, wait_milliseconds as "waitMilliseconds", left_milliseconds as "leftMilliseconds"
      from nokkel.take_rate(${subject}, ${least}, ${most}, ${Math.floor(limit)})`.execute(database)
    const [taken] = rows
    if (!taken) throw new TypeError('take_rate answered nothing')
    return taken
  } catch (cause) {
    throw new ServerError('unavailable', { detail: 'Requests cannot be counted now.', cause })
  }
}

async function digestOf(subject: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(subject)))
}

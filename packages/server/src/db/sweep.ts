import { sql } from 'kysely'
import { describeFailure, type Logger } from '../http/logger.ts'
import type { Database } from './database.ts'

export interface Sweeper {
  /** Sweeps when the last time is long enough ago. Never fails. */
  maybeSweep(): Promise<void>
  finish(): Promise<void>
}

const intervalMilliseconds = 600_000

/**
 * Deletes what has expired, now and then, as requests come in: so it happens also where nothing runs between them. The database
 * knows when it was last done, by whichever server; each asks it at its first request, and again after ten minutes.
 */
export function createSweeper(database: Database, logger: Logger, now: () => Date): Sweeper {
  let askedAt = Number.NEGATIVE_INFINITY
  let sweeping = Promise.resolve()
  async function sweep(): Promise<void> {
    try {
      const { failed } = await ask(database, sql`nokkel.sweep_when_due()`)
      for (const [name, code] of Object.entries(failed)) {
        logger({ level: 'error', event: 'sweep_failed', error: { name, code } })
      }
    } catch (cause) {
      logger({ level: 'error', event: 'sweep_failed', error: describeFailure(cause) })
    }
  }
  return {
    maybeSweep() {
      const time = now().getTime()
      if (time - askedAt >= intervalMilliseconds) {
        askedAt = time
        sweeping = sweep()
      }
      return sweeping
    },
    finish: () => sweeping,
  }
}

/** What a sweep has done. */
export interface Swept {
  /** How many rows of each kind; of a kind that failed, none is said. */
  readonly swept: Readonly<Record<string, number>>
  /** Kinds of which nothing was deleted, each with the SQLSTATE of its failure. The next sweep tries them again. */
  readonly failed: Readonly<Record<string, string>>
}

/**
 * Deletes what has expired, also within ten minutes of the last time; `null` while a server is at it. One kind that fails keeps no
 * other from being deleted.
 *
 * @example
 * ```ts
 * const database = connect('postgres://nokkel_server@localhost/nokkel')
 * console.log(await sweep(database)) // { swept: { logins: 4, proofs: 120, … }, failed: {} }
 * ```
 */
export async function sweep(database: Database): Promise<Swept | null> {
  const answer = await ask(database, sql`nokkel.sweep()`)
  const isDone = Object.keys(answer.swept).length + Object.keys(answer.failed).length > 0
  return isDone ? answer : null
}

async function ask(database: Database, work: ReturnType<typeof sql>): Promise<Swept> {
  const { rows } = await sql<{ answer: Record<string, number> & { failed?: Record<string, string> } }>`
    select ${work} as answer`.execute(database)
  const [{ answer }] = rows as [(typeof rows)[number]]
  const { failed = {}, ...swept } = answer
  return { swept, failed }
}

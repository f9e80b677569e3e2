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
      await sql`select nokkel.sweep_when_due()`.execute(database)
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

/**
 * Deletes what has expired, also within ten minutes of the last time, and answers how many of each kind; `null` while a server is
 * at it.
 *
 * @example
 * ```ts
 * const database = connect('postgres://nokkel_server@localhost/nokkel')
 * console.log(await sweep(database)) // { logins: 4, proofs: 120, … }
 * ```
 */
export async function sweep(database: Database): Promise<Readonly<Record<string, number>> | null> {
  const { rows } = await sql<{ swept: Record<string, number> }>`select nokkel.sweep() as swept`.execute(database)
  const [{ swept }] = rows as [{ swept: Record<string, number> }]
  return Object.keys(swept).length === 0 ? null : swept
}

import { sql } from 'kysely'
import { describeFailure, type Logger } from '../http/logger.ts'
import type { Database } from './database.ts'

export interface Sweeper {
  /** Sweeps in the background when the last time is long enough ago. */
  maybeSweep(): void
  finish(): Promise<void>
}

const intervalMilliseconds = 600_000

/** Deletes what has expired, now and then, as requests come in: so it happens also where nothing runs between them. */
export function createSweeper(database: Database, logger: Logger, now: () => Date): Sweeper {
  let sweptAt = now().getTime()
  let sweeping: Promise<unknown> = Promise.resolve()
  return {
    maybeSweep() {
      const time = now().getTime()
      if (time - sweptAt < intervalMilliseconds) return
      sweptAt = time
      sweeping = sql`select nokkel.sweep()`.execute(database).catch((cause) => {
        logger({ level: 'error', event: 'sweep_failed', error: describeFailure(cause) })
      })
    },
    finish: async () => {
      await sweeping
    },
  }
}

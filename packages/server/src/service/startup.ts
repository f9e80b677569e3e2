import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { ServerError } from '../http/server-error.ts'

export interface Startup {
  /** Runs the checks unless they have passed. @throws {ServerError} Such as `sealed`; `unavailable` with what is wrong as its cause. */
  run(): Promise<void>
  /** As `run`, and asks the database for an answer now. */
  check(database: Database): Promise<void>
  /** Whether the checks have passed. */
  hasPassed(): boolean
}

/** Everything that must hold before the first request; after a failure the next request tries again. */
export function createStartup(checks: () => Promise<void>): Startup {
  let running: Promise<void> | undefined
  let hasPassed = false

  async function runChecks(): Promise<void> {
    await checks()
    hasPassed = true
  }

  function run(): Promise<void> {
    running ??= runChecks().catch((cause) => {
      running = undefined
      if (cause instanceof ServerError) throw cause
      const detail = cause instanceof Error && !('code' in cause) ? cause.message : 'The database does not answer.'
      throw new ServerError('unavailable', { detail, cause })
    })
    return running
  }

  return {
    run,
    async check(database) {
      await run()
      await sql`select 1`.execute(database)
    },
    hasPassed: () => hasPassed,
  }
}

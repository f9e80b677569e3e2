import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase, type DatabaseEngine } from '../../../tools/testing/database.ts'
import { type Ask, askDirectory, askPostgres } from './rows.ts'
import { seedDatabase } from './seed.ts'
import type { ServerDatabase } from './server-plan.ts'

/** A database that outlives its server, and a look into it when the server is gone. */
export interface OutlivingDatabase {
  readonly database: ServerDatabase
  look<T>(work: (ask: Ask) => Promise<T>): Promise<T>
  remove(): Promise<void>
}

export async function prepareDatabase(engine: DatabaseEngine): Promise<OutlivingDatabase> {
  if (engine === 'pglite') {
    const home = mkdtempSync(join(tmpdir(), 'nokkel-faults-'))
    const directory = join(home, 'data')
    return {
      database: { directory },
      look: (work) => askDirectory(directory, work),
      remove: async () => rmSync(home, { recursive: true, force: true }),
    }
  }
  const database = await createTestDatabase(engine)
  await seedDatabase(database)
  const superuser = new URL(database.url ?? '')
  superuser.username = 'postgres'
  return {
    database: { url: database.url ?? '' },
    look: (work) => askPostgres(superuser.href, work),
    remove: database.close,
  }
}

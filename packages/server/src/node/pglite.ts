import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect } from 'kysely'
import type { Database } from '../db/database.ts'
import { type Migration, type MigrationConnection, migrate } from '../db/migrate.ts'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'

export interface EmbeddedDatabaseOptions {
  /** Where its files are. Default: in memory, gone with the process. */
  readonly directory?: string
  /** Default: the schema is taken as it is. */
  readonly migrations?: readonly Migration[]
  /** A script that may run at every start, such as people for development. */
  readonly seed?: string
}

export interface EmbeddedDatabase {
  /** Connected as `nokkel_server`. */
  readonly database: Database
  close(): Promise<void>
}

/**
 * Opens the embedded database, with its schema up to date if migrations are given. One connection, one process; its files survive a killed
 * process, but are not flushed against a loss of power: for more than development use Postgres.
 *
 * @throws {Error} Another process has the directory open, or a migration failed.
 *
 * @example
 * ```ts
 * const embedded = await openEmbeddedDatabase({ directory: 'data', migrations: await readMigrations('supabase/migrations') })
 * await embedded.close()
 * ```
 */
export async function openEmbeddedDatabase(options: EmbeddedDatabaseOptions): Promise<EmbeddedDatabase> {
  const directory = options.directory === undefined ? undefined : resolve(options.directory)
  const lock = directory === undefined ? undefined : await claim(directory)
  try {
    const pglite = await PGlite.create(directory ?? 'memory://')
    const connection: MigrationConnection = {
      run: (script) => pglite.exec(script),
      query: async (statement, parameters) =>
        (await pglite.query<Record<string, unknown>>(statement, [...parameters])).rows,
    }
    if (options.migrations) await migrate(connection, options.migrations)
    if (options.seed !== undefined) await pglite.exec(options.seed)
    await pglite.exec('set session authorization nokkel_server')
    const database = new Kysely<unknown>({ dialect: new PGliteDialect({ pglite }) })
    return {
      database,
      async close() {
        await pglite.close()
        lock?.release()
      },
    }
  } catch (cause) {
    lock?.release()
    throw cause
  }
}

async function claim(directory: string): Promise<DirectoryLock> {
  await mkdir(dirname(directory), { recursive: true })
  return lockDirectory(directory)
}

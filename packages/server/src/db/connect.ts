import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Database } from './database.ts'

/**
 * Connects to Postgres, lazily: the first query opens the first connection.
 *
 * @param databaseUrl - Connection string that logs in as `nokkel_server`.
 * @param options.maximumConnections - Default 10.
 * @throws {TypeError} Not a connection string. The message does not repeat it.
 */
export function connect(databaseUrl: string, { maximumConnections = 10 } = {}): Database {
  if (!/^postgres(?:ql)?:\/\/./.test(databaseUrl)) {
    throw new TypeError('The database URL must begin with postgres:// or postgresql://.')
  }
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: maximumConnections,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    application_name: 'nokkel',
  })
  // A connection that is lost is replaced at the next query, and whoever was using it is told by theirs; unheard, the event would
  // end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
}

import pg from 'pg'
import { type Migration, type MigrationConnection, migrate, pendingMigrations } from '../db/migrate.ts'

/**
 * Applies what is pending to a Postgres.
 *
 * @param databaseUrl - Logs in as whoever may create roles: not as `nokkel_server`.
 * @returns What was applied.
 */
export function migratePostgres(databaseUrl: string, migrations: readonly Migration[]): Promise<readonly Migration[]> {
  return withConnection(databaseUrl, (connection) => migrate(connection, migrations))
}

/** The migrations that a Postgres does not have yet. Takes the same URL as {@link migratePostgres}. */
export function pendingPostgresMigrations(
  databaseUrl: string,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  return withConnection(databaseUrl, (connection) => pendingMigrations(connection, migrations))
}

async function withConnection<T>(
  connectionString: string,
  work: (connection: MigrationConnection) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString, application_name: 'nokkel migrate' })
  await client.connect()
  try {
    return await work({
      run: (script) => client.query(script),
      query: async (statement, parameters) => (await client.query(statement, [...parameters])).rows,
    })
  } finally {
    await client.end()
  }
}

/** One file of `supabase/migrations`. */
export interface Migration {
  /** The timestamp its name begins with. */
  readonly version: string
  readonly name: string
  readonly sql: string
}

/** A single connection of whoever may create roles and schemas. */
export interface MigrationConnection {
  /** Runs a script of any number of statements. */
  run(script: string): Promise<unknown>
  query(statement: string, parameters: readonly unknown[]): Promise<readonly Record<string, unknown>[]>
}

/**
 * Reads what a migration is from its file.
 *
 * @param fileName - `<14 digits>_<name>.sql`.
 * @throws {TypeError} The file name is of another form.
 */
export function parseMigration(fileName: string, sql: string): Migration {
  const [, version, name] = /^(\d{14})_(\w+)\.sql$/.exec(fileName) ?? []
  if (version === undefined || name === undefined) throw new TypeError(`${fileName} is not named as a migration.`)
  return { version, name, sql }
}

// As the Supabase CLI records them, so that either may go on where the other stopped.
const ledger = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
`

/** The migrations that the database does not have yet, in order. */
export async function pendingMigrations(
  connection: MigrationConnection,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  await connection.run(ledger)
  const applied = await connection.query('select version from supabase_migrations.schema_migrations', [])
  const versions = new Set(applied.map(({ version }) => version))
  return migrations
    .filter(({ version }) => !versions.has(version))
    .sort((one, other) => (one.version < other.version ? -1 : 1))
}

/**
 * Applies what is pending, each migration in a transaction of its own. Two at the same time wait for each other.
 *
 * @returns What was applied. After a failure, the migrations before the failing one stay applied.
 */
export async function migrate(
  connection: MigrationConnection,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  await connection.query('select pg_advisory_lock(hashtextextended($1, 0))', ['nokkel migrate'])
  try {
    const pending = await pendingMigrations(connection, migrations)
    for (const migration of pending) await apply(connection, migration)
    return pending
  } finally {
    await connection.query('select pg_advisory_unlock(hashtextextended($1, 0))', ['nokkel migrate'])
  }
}

async function apply(connection: MigrationConnection, { version, name, sql }: Migration): Promise<void> {
  await connection.run('begin')
  try {
    await connection.run(sql)
    await connection.query(
      'insert into supabase_migrations.schema_migrations (version, statements, name) values ($1, array[$2::text], $3)',
      [version, sql, name],
    )
    await connection.run('commit')
  } catch (cause) {
    await connection.run('rollback')
    throw new Error(`Migration ${version}_${name} failed; nothing of it was kept.`, { cause })
  }
}

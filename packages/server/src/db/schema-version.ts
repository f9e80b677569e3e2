import { sql } from 'kysely'
import type { Database } from './database.ts'

/** The migration this server was written for: the newest of `supabase/migrations`. */
export const SCHEMA_VERSION = '20261121120600'

/**
 * Makes sure that the server is who it should be and finds the schema it was written for.
 *
 * @throws {Error} Says in one sentence what to do.
 */
export async function checkSchema(database: Database): Promise<void> {
  const { rows } = await sql<{ user: string; there: boolean }>`
    select current_user as "user", to_regprocedure('nokkel.schema_version()') is not null as there`.execute(database)
  const { user, there = false } = rows[0] ?? {}
  if (user !== 'nokkel_server') {
    throw new Error(
      'The database URL must log in as the role nokkel_server, which owns nothing and sees only what policies allow.',
    )
  }
  const found = there ? await schemaVersion(database) : ''
  if (found < SCHEMA_VERSION)
    throw new Error('The database has pending migrations; apply them first with npm run migrate or supabase db push.')
  if (found > SCHEMA_VERSION)
    throw new Error('The database has newer migrations than this server knows; upgrade the server.')
}

async function schemaVersion(database: Database): Promise<string> {
  const { rows } = await sql<{ version: string }>`select nokkel.schema_version() as version`.execute(database)
  return rows[0]?.version ?? ''
}

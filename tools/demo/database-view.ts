import type { Database } from '@nokkel/server'
import { sql } from 'kysely'

export interface StoredRow {
  readonly table: string
  readonly values: Readonly<Record<string, unknown>>
}

/** Every row of every table, past all policies, as whoever steals the database has them. Embedded database only. */
export async function readEverything(database: Database): Promise<StoredRow[]> {
  return database.transaction().execute(async (transaction) => {
    await sql`set local session authorization postgres`.execute(transaction)
    const { rows: tables } = await sql<{ schema: string; name: string }>`
      select schemaname as schema, tablename as name from pg_tables where schemaname in ('public', 'nokkel')
      order by schemaname desc, tablename`.execute(transaction)
    const found: StoredRow[] = []
    for (const { schema, name } of tables) {
      const { rows } = await sql<{ values: Record<string, unknown> }>`
        select to_jsonb(t) as values from ${sql.table(`${schema}.${name}`)} t`.execute(transaction)
      for (const { values } of rows) found.push({ table: `${schema}.${name}`, values })
    }
    return found
  })
}

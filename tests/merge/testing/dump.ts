import { sql } from 'kysely'
import type { TestDatabase } from '../../../tools/testing/database.ts'

/** Every row of every table of ours, in order. */
export type Dump = Readonly<Record<string, readonly string[]>>

/** The log is only added to. How many envelopes a master key has made, and how often somebody asked, is counted for good. */
const leftOut = ['audit_log', 'master_key_version', 'rate_counter', 'last_sweep']

export async function dumpTables({ owner }: Pick<TestDatabase, 'owner'>): Promise<Dump> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables
    where schemaname in ('public', 'nokkel', 'auth') and not tablename = any (${leftOut}::text[]) order by 1`.execute(
    owner,
  )
  const dump: Record<string, string[]> = {}
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`
      select to_jsonb(t)::text as row from ${sql.raw(name)} t order by 1`.execute(owner)
    dump[name] = rows.map(({ row }) => row)
  }
  return dump
}

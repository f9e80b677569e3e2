import { sql } from 'kysely'
import type { TestDatabase } from '../../../tools/testing/database.ts'

/**
 * A digest of all rows of each table. Proofs of possession are left out: one that is right is remembered as used,
 * although what came with it is refused.
 */
export async function digestTables({ owner }: TestDatabase): Promise<Record<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables
    where schemaname in ('public', 'nokkel') and tablename <> 'dpop_proof' order by 1`.execute(owner)
  const digests = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await sql<{ digest: string }>`
        select md5(coalesce(string_agg(md5(t::text), '' order by md5(t::text)), '')) as digest
        from ${sql.raw(name)} t`.execute(owner)
      return [name, rows[0]?.digest ?? ''] as const
    }),
  )
  return Object.fromEntries(digests)
}

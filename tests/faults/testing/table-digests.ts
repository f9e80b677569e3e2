import { sql } from 'kysely'
import type { TestDatabase } from '../../../tools/testing/database.ts'

/**
 * A digest of all rows of each table. Proofs of possession and counted requests are left out: one that is right is
 * remembered as used and counted, although what came with it is refused.
 */
export async function digestTables(
  { owner }: TestDatabase,
  options: { readonly leavingOut?: readonly string[] } = {},
): Promise<Record<string, string>> {
  const leavingOut = ['dpop_proof', 'rate_counter', 'last_sweep', ...(options.leavingOut ?? [])]
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables
    where schemaname in ('public', 'nokkel') and not tablename = any (${leavingOut}::text[]) order by 1`.execute(owner)
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

/** What was recorded, from the beginning. */
export async function readAuditLog({ owner }: TestDatabase): Promise<readonly string[]> {
  const { rows } = await sql<{ row: string }>`select a::text as row from nokkel.audit_log a order by a.id`.execute(
    owner,
  )
  return rows.map(({ row }) => row)
}

import { sql } from 'kysely'
import type { TestDatabase } from '../../../tools/testing/database.ts'

/** Every row of every table of ours, as a logical backup has them. */
export type Backup = ReadonlyMap<string, readonly object[]>

export async function takeBackup({ owner }: Pick<TestDatabase, 'owner'>): Promise<Backup> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables
    where schemaname in ('public', 'nokkel') order by 1`.execute(owner)
  const backup = new Map<string, object[]>()
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`select to_jsonb(t)::text as row from ${sql.raw(name)} t`.execute(owner)
    backup.set(
      name,
      rows.map(({ row }) => JSON.parse(row) as object),
    )
  }
  return backup
}

/** Puts a backup into a database that has no rows yet, without triggers and in any order, as a restore does; what counts counts on. */
export async function restoreBackup({ owner }: Pick<TestDatabase, 'owner'>, backup: Backup): Promise<void> {
  await owner.transaction().execute(async (transaction) => {
    await sql`set local session_replication_role = replica`.execute(transaction)
    for (const [name, rows] of backup) {
      const { rows: columns } = await sql<{ names: string; counted: string | null }>`
        select string_agg(quote_ident(attname), ', ' order by attnum) as names,
          min(attname) filter (where attidentity <> '') as counted from pg_attribute
        where attrelid = ${name}::regclass and attnum > 0 and not attisdropped and attgenerated = ''`.execute(
        transaction,
      )
      const names = sql.raw(columns[0]?.names ?? '')
      await sql`
        insert into ${sql.raw(name)} (${names}) overriding system value
        select ${names} from jsonb_populate_recordset(null::${sql.raw(name)}, ${JSON.stringify(rows)}::jsonb)`.execute(
        transaction,
      )
      const counted = columns[0]?.counted
      if (!counted || rows.length === 0) continue
      await sql`select setval(pg_get_serial_sequence(${name}, ${counted}), max(${sql.ref(counted)})) from ${sql.raw(name)}`.execute(
        transaction,
      )
    }
  })
}

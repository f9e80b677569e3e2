import { sql } from 'kysely'
import type { TestDatabase } from '../database.ts'

/** Who has a wrap of the present version of a group: `user` or `company`, and their id. */
export async function readWraps({ owner }: TestDatabase, groupId: string): Promise<string[]> {
  const { rows } = await sql<{ wrap: string }>`
    select 'user ' || user_id as wrap from public.rfx_key_members where rfx_id = ${groupId}::uuid
    union all
    select 'company ' || company_id from public.rfx_key_companies where rfx_id = ${groupId}::uuid`.execute(owner)
  return rows.map(({ wrap }) => wrap).sort()
}

export async function isRekeyPending({ owner }: TestDatabase, groupId: string): Promise<boolean> {
  const { rows } = await sql<{ pending: boolean }>`
    select rekey_pending as pending from public.rfxs where id = ${groupId}::uuid`.execute(owner)
  return (rows as [{ pending: boolean }])[0].pending
}

/** What `nokkel.rfx_faults()` finds in a project. */
export async function readFaults({ server }: TestDatabase, rfxId: string): Promise<string[]> {
  const { rows } = await sql<{ problem: string }>`
    select problem from nokkel.rfx_faults(${rfxId}::uuid) order by 1`.execute(server)
  return rows.map(({ problem }) => problem)
}

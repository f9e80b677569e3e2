import type { RfxSummary } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import type { Position } from '../db/page-cursor.ts'

interface SummaryRow {
  readonly id: string
  readonly company_id: string
  readonly company_name: string
  readonly status: RfxSummary['status']
  readonly role: RfxSummary['role']
  readonly deadline: Date | null
  readonly key_version: number
  readonly rekey_pending: boolean
  readonly created_at: Date
  readonly created_by: string | null
  readonly sent_at: Date | null
  readonly approved_at: Date | null
  readonly closed_at: Date | null
  readonly via: RfxSummary['via']
  readonly missing: number
  readonly stale: number
  readonly last_sequence: number | null
  readonly last_digest: Uint8Array
  readonly title_sequence: number | null
  readonly title_version: number
  readonly title_key: Uint8Array
  readonly title_content: Uint8Array
  readonly title_statement: string
  readonly position: string
}

export interface SummaryFilter {
  readonly ids?: readonly string[]
  readonly after?: Position | undefined
  readonly limit: number
}

export interface PlacedSummary {
  readonly summary: RfxSummary
  readonly position: Position
}

/** Projects the person is in now, the newest first. */
export async function selectSummaries(
  transaction: Transaction,
  { ids, after, limit }: SummaryFilter,
): Promise<PlacedSummary[]> {
  const { rows } = await sql<SummaryRow>`
    select *, (extract(epoch from created_at) * 1000000)::bigint::text as position
    from nokkel.my_rfxs(${ids ?? null}::uuid[],
      timestamptz 'epoch' + ${after?.key ?? null}::bigint * interval '1 microsecond', ${after?.id ?? null}::uuid,
      ${limit}::integer)`.execute(transaction)
  return rows.map((row) => ({ summary: toSummary(row), position: { key: row.position, id: row.id } }))
}

function toSummary(row: SummaryRow): RfxSummary {
  return {
    id: row.id,
    company: { id: row.company_id, name: row.company_name },
    status: row.status,
    role: row.role,
    deadline: optionalInstant(row.deadline),
    version: row.key_version,
    rekeyPending: row.rekey_pending,
    via: row.via,
    missing: row.missing,
    stale: row.stale,
    head: row.last_sequence === null ? null : { sequence: row.last_sequence, digest: encodeBase64Url(row.last_digest) },
    title:
      row.title_sequence === null
        ? null
        : {
            sequence: row.title_sequence,
            version: row.title_version,
            wrappedKey: encodeBase64Url(row.title_key),
            content: encodeBase64Url(row.title_content),
            statement: row.title_statement,
          },
    createdAt: instant(row.created_at),
    createdBy: row.created_by,
    sentAt: optionalInstant(row.sent_at),
    approvedAt: optionalInstant(row.approved_at),
    closedAt: optionalInstant(row.closed_at),
  }
}

export interface RfxFacts {
  readonly createdByName: string | null
  readonly mayNameOpeners: boolean
  readonly serverTime: Date
}

export async function selectFacts(transaction: Transaction, id: string, createdBy: string | null): Promise<RfxFacts> {
  const { rows } = await sql<RfxFacts>`
    select (select p.name from nokkel.rfx_people(${id}::uuid, array[${createdBy}::uuid]) p) as "createdByName",
      nokkel.may_name_openers(${id}::uuid) as "mayNameOpeners", clock_timestamp() as "serverTime"`.execute(transaction)
  return (rows as [RfxFacts])[0]
}

export async function deleteRfx(transaction: Transaction, id: string, requestId: string): Promise<void> {
  await sql`select nokkel.delete_rfx(${id}::uuid, ${requestId}::uuid)`.execute(transaction)
}

export interface StatusChange {
  readonly status: string
  /** The newest entry that was read before. */
  readonly sequence?: number | undefined
}

export async function updateStatus(
  transaction: Transaction,
  id: string,
  { status, sequence }: StatusChange,
  requestId: string,
): Promise<void> {
  await sql`
    select nokkel.change_rfx_status(${id}::uuid, ${status}, ${sequence ?? null}::integer, ${requestId}::uuid)`.execute(
    transaction,
  )
}

export async function updateDeadline(
  transaction: Transaction,
  id: string,
  deadline: string | null,
  requestId: string,
): Promise<void> {
  // In UTC: Postgres takes fewer offsets than RFC 3339.
  const at = deadline && new Date(deadline).toISOString()
  await sql`
    select nokkel.set_rfx_deadline(${id}::uuid, ${at}::timestamptz, ${requestId}::uuid)`.execute(transaction)
}

export async function selectDevelopers(transaction: Transaction): Promise<{ id: string; name: string }[]> {
  const { rows } = await sql<{ id: string; name: string }>`select * from nokkel.developers()`.execute(transaction)
  return rows
}

export async function updateDeveloper(
  transaction: Transaction,
  userId: string,
  developer: boolean,
  requestId: string,
): Promise<void> {
  await sql`
    select nokkel.set_developer(${userId}::uuid, ${developer}::boolean, ${requestId}::uuid)`.execute(transaction)
}

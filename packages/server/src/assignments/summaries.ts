import type { Assignment, AssignmentSummary, Delivery } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import type { Position } from '../db/page-cursor.ts'

interface SummaryRow {
  readonly id: string
  readonly organization_id: string
  readonly sender_id: string
  readonly sender_name: string | null
  readonly sent_at: Date
  /** Microseconds since 1970, which a `Date` cannot hold: what pages are cut by. */
  readonly position: string
  readonly revision: number
  readonly byte_length: number
  readonly file_count: number
  readonly readable: boolean
  readonly opened_at: Date | null
}

const columns = sql`
  a.id, a.organization_id, a.sender_id, u.name as sender_name, a.sent_at, (extract(epoch from a.sent_at) * 1000000)::bigint::text as position, a.revision,
  (length(a.content) + coalesce((select sum(b.byte_length) from public.blob b where b.assignment_id = a.id), 0))::float8
    as byte_length,
  a.file_count, k.device_id is not null as readable, r.opened_at`

const joins = (userId: string) => sql`
  left join public.assignment_recipient r on r.assignment_id = a.id and r.user_id = ${userId}::uuid
  left join public.assignment_key k on k.assignment_id = a.id and k.device_id = (select nokkel.device_id())
  left join public.app_user u on u.auth_user_id = a.sender_id`

export interface BoxFilter {
  readonly userId: string
  readonly box: 'inbox' | 'sent'
  readonly after?: Position | undefined
  readonly limit: number
}

export interface ListedAssignment {
  readonly summary: AssignmentSummary
  readonly position: Position
}

/** What the person got or sent, newest first. */
export async function selectBox(
  transaction: Transaction,
  { userId, box, after, limit }: BoxFilter,
): Promise<ListedAssignment[]> {
  const inBox = box === 'sent' ? sql`a.sender_id = ${userId}::uuid` : sql`r.user_id is not null`
  const { rows } = await sql<SummaryRow>`
    select ${columns} from public.assignment a ${joins(userId)}
    where ${inBox} ${after ? isAfter(after) : sql``}
    order by a.sent_at desc, a.id limit ${limit}`.execute(transaction)
  const deliveries = box === 'sent' ? await selectDeliveries(transaction, rows) : undefined
  return rows.map((row) => ({
    summary: toSummary(row, deliveries?.get(row.id)),
    position: { key: row.position, id: row.id },
  }))
}

function isAfter({ key, id }: Position): RawBuilder<unknown> {
  const sentAt = sql`timestamptz 'epoch' + ${key}::bigint * interval '1 microsecond'`
  return sql`and (a.sent_at < ${sentAt} or (a.sent_at = ${sentAt} and a.id > ${id}::uuid))`
}

/** One assignment that the person got or sent. */
export async function selectSummary(
  transaction: Transaction,
  id: string,
  userId: string,
): Promise<AssignmentSummary | undefined> {
  const { rows } = await sql<SummaryRow>`
    select ${columns} from public.assignment a ${joins(userId)} where a.id = ${id}::uuid`.execute(transaction)
  const [row] = rows
  if (!row) return undefined
  const deliveries = row.sender_id === userId ? await selectDeliveries(transaction, rows) : undefined
  return toSummary(row, deliveries?.get(id))
}

interface AssignmentRow extends SummaryRow {
  readonly content: Uint8Array
  readonly statement: string
  readonly device_id: string | null
  readonly wrapped_key: Uint8Array | null
  readonly signer_thumbprint: string
  readonly signer_device_id: string
  readonly signer_user_id: string
  readonly public_key: Assignment['signer']['signingKey']
  readonly valid_from: Date
  readonly valid_until: Date | null
}

/** One assignment that the person got or sent, sealed, with the key of this device and who signed it. */
export async function selectAssignment(
  transaction: Transaction,
  id: string,
  userId: string,
): Promise<Assignment | undefined> {
  const { rows } = await sql<AssignmentRow>`
    select ${columns}, a.content, a.statement, k.device_id, k.wrapped_key, a.signer_thumbprint,
      s.device_id as signer_device_id, s.user_id as signer_user_id, s.public_key, s.valid_from, s.valid_until
    from public.assignment a ${joins(userId)} join public.signing_key s on s.thumbprint = a.signer_thumbprint
    where a.id = ${id}::uuid`.execute(transaction)
  const [row] = rows
  if (!row) return undefined
  const deliveries = row.sender_id === userId ? await selectDeliveries(transaction, rows) : undefined
  return {
    ...toSummary(row, deliveries?.get(id)),
    content: encodeBase64Url(row.content),
    statement: row.statement,
    key:
      row.device_id && row.wrapped_key
        ? { userId, deviceId: row.device_id, wrappedKey: encodeBase64Url(row.wrapped_key) }
        : null,
    signer: {
      deviceId: row.signer_device_id,
      userId: row.signer_user_id,
      signingKey: row.public_key,
      thumbprint: row.signer_thumbprint,
      validFrom: instant(row.valid_from),
      validUntil: optionalInstant(row.valid_until),
    },
  }
}

function toSummary(row: SummaryRow, deliveries: Delivery[] | undefined): AssignmentSummary {
  return {
    id: row.id,
    organizationId: row.organization_id,
    sender: { id: row.sender_id, name: row.sender_name },
    sentAt: instant(row.sent_at),
    revision: row.revision,
    byteLength: row.byte_length,
    fileCount: row.file_count,
    readable: row.readable,
    openedAt: optionalInstant(row.opened_at),
    ...(deliveries && { deliveries }),
  }
}

interface DeliveryRow {
  readonly assignment_id: string
  readonly user_id: string
  readonly name: string
  readonly state: Delivery['state']
  readonly fetched_at: Date | null
  readonly opened_at: Date | null
  readonly has_active_device: boolean
}

async function selectDeliveries(
  transaction: Transaction,
  assignments: readonly { readonly id: string }[],
): Promise<Map<string, Delivery[]>> {
  const ids = assignments.map(({ id }) => id)
  const { rows } = await sql<DeliveryRow>`select * from nokkel.deliveries(${ids}::uuid[])`.execute(transaction)
  const deliveries = new Map<string, Delivery[]>(ids.map((id) => [id, []]))
  for (const row of rows) {
    deliveries.get(row.assignment_id)?.push({
      userId: row.user_id,
      name: row.name,
      state: row.state,
      fetchedAt: optionalInstant(row.fetched_at),
      openedAt: optionalInstant(row.opened_at),
      hasActiveDevice: row.has_active_device,
    })
  }
  return deliveries
}

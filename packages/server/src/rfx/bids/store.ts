import type { RfxBid } from '@nokkel/contract'
import { encodeBase64Url } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Transaction } from '../../db/database.ts'
import { optionalInstant } from '../../db/instant.ts'

/** The server's part of the key of a bid, under the master key. */
export interface WrappedPart {
  readonly bidId: string
  readonly companyId: string
  readonly envelope: Uint8Array
}

/** Gives the part that stands there: this one, or the one that was made before. */
export async function insertBid(
  transaction: Transaction,
  rfxId: string,
  { bidId, companyId, envelope }: WrappedPart,
  masterKeyId: string,
  requestId: string,
): Promise<WrappedPart> {
  const { rows } = await sql<{ id: string; part: Uint8Array }>`
    select id, part from nokkel.begin_bid(
      ${rfxId}::uuid, ${companyId}::uuid, ${bidId}::uuid, ${envelope}::bytea, ${masterKeyId}, ${requestId}::uuid
    )`.execute(transaction)
  const [{ id, part }] = rows as [{ id: string; part: Uint8Array }]
  return { bidId: id, companyId, envelope: new Uint8Array(part) }
}

export interface BidToStore {
  readonly rfxId: string
  readonly bidId: string
  readonly companyId: string
  readonly revision: number
  readonly content: Uint8Array
  readonly sealedPart: Uint8Array
  readonly openingVersion: number
  readonly ownKey: Uint8Array
  readonly ownVersion: number
  readonly statement: string
  readonly signerThumbprint: string
  readonly blobs: readonly string[]
}

/** Gives the public key it must be sealed to, as JSON; `null` when exactly this was submitted before. */
export async function updateBid(transaction: Transaction, bid: BidToStore, requestId: string): Promise<string | null> {
  const { rows } = await sql<{ sealTo: string | null }>`
    select nokkel.submit_bid(
      ${bid.rfxId}::uuid, ${bid.companyId}::uuid, ${bid.bidId}::uuid, ${bid.revision}::integer, ${bid.content}::bytea,
      ${bid.sealedPart}::bytea, ${bid.openingVersion}::integer, ${bid.ownKey}::bytea, ${bid.ownVersion}::integer,
      ${bid.statement}, ${bid.signerThumbprint}, ${bid.blobs}::uuid[], ${requestId}::uuid
    ) as "sealTo"`.execute(transaction)
  return rows[0]?.sealTo ?? null
}

export async function withdrawBid(
  transaction: Transaction,
  rfxId: string,
  companyId: string,
  requestId: string,
): Promise<void> {
  await sql`select nokkel.withdraw_bid(${rfxId}::uuid, ${companyId}::uuid, ${requestId}::uuid)`.execute(transaction)
}

/** Recorded as read or opened. */
export async function releasePart(
  transaction: Transaction,
  rfxId: string,
  bidId: string,
  requestId: string,
): Promise<WrappedPart> {
  const { rows } = await sql<{ part: Uint8Array; companyId: string }>`
    select part, company_id as "companyId"
    from nokkel.release_bid_part(${rfxId}::uuid, ${bidId}::uuid, ${requestId}::uuid)`.execute(transaction)
  const [{ part, companyId }] = rows as [{ part: Uint8Array; companyId: string }]
  return { bidId, companyId, envelope: new Uint8Array(part) }
}

export interface MovedBidKey {
  readonly version: number
  readonly old: Uint8Array
  readonly new: Uint8Array
}

/** False when another key stands there by now. */
export async function updateOwnKey(
  transaction: Transaction,
  { rfxId, bidId }: { readonly rfxId: string; readonly bidId: string },
  key: MovedBidKey,
  requestId: string,
): Promise<boolean> {
  const { rows } = await sql<{ moved: boolean }>`
    select nokkel.move_bid_key(
      ${rfxId}::uuid, ${bidId}::uuid, ${key.version}::integer, ${key.old}::bytea, ${key.new}::bytea, ${requestId}::uuid
    ) as moved`.execute(transaction)
  return rows[0]?.moved ?? false
}

interface BidRow {
  readonly id: string
  readonly company_id: string
  readonly company_name: string
  readonly state: RfxBid['state']
  readonly revision: number
  readonly mine: boolean
  readonly submitted_at: Date | null
  readonly opened_at: Date | null
  readonly author_id: string | null
  readonly content: Uint8Array | null
  readonly sealed_part: Uint8Array | null
  readonly opening_version: number | null
  readonly own_key: Uint8Array | null
  readonly own_version: number | null
  readonly statement: string | null
}

/** The bids that the person may read now, by the name of the company. The bidder's own key is for the bidder. */
export async function selectBids(
  transaction: Transaction,
  rfxId: string,
  bidId: string | null = null,
): Promise<RfxBid[]> {
  const { rows } = await sql<BidRow>`
    with bid as materialized (
      select b.*, nokkel.rfx_role(b.bidder_id) is not null as mine from public.rfx_bid b
      where b.rfx_id = ${rfxId}::uuid and (${bidId}::uuid is null or b.id = ${bidId}::uuid)
    )
    select b.id, b.company_id, c.name as company_name, b.state, b.revision, b.mine, b.submitted_at, b.opened_at,
      b.author_id, b.content, b.sealed_part, b.opening_version, b.statement,
      case when b.mine then b.own_key end as own_key, case when b.mine then b.own_version end as own_version
    from bid b join public.company c on c.id = b.company_id
    order by c.name, c.id`.execute(transaction)
  return rows.map((row) => ({
    id: row.id,
    company: { id: row.company_id, name: row.company_name },
    state: row.state,
    revision: row.revision,
    mine: row.mine,
    submittedAt: optionalInstant(row.submitted_at),
    openedAt: optionalInstant(row.opened_at),
    authorId: row.author_id,
    content: row.content && encodeBase64Url(row.content),
    sealedPart: row.sealed_part && encodeBase64Url(row.sealed_part),
    openingVersion: row.opening_version,
    ownKey: row.own_key && encodeBase64Url(row.own_key),
    ownVersion: row.own_version,
    statement: row.statement,
  }))
}

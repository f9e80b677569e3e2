import { sql } from 'kysely'
import type { Transaction } from '../db/database.ts'
import type { SealedFile } from './layout.ts'

export interface AnnouncedFile extends SealedFile {
  readonly isSent: boolean
}

/** Two announcements of one person at the same time wait for each other, so that the quota holds. */
export async function lockPendingFiles(transaction: Transaction, userId: string): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended('pending files of ' || ${userId}, 0))`.execute(transaction)
  const { rows } = await sql<{ total: number }>`
    select coalesce(sum(byte_length), 0)::float8 as total
    from public.blob where owner_id = ${userId}::uuid and not is_attached`.execute(transaction)
  return rows[0]?.total ?? 0
}

export async function insertFile(
  transaction: Transaction,
  file: SealedFile & { readonly id: string; readonly organizationId: string; readonly ownerId: string },
): Promise<boolean> {
  const { rows } = await sql`
    insert into public.blob (id, organization_id, owner_id, byte_length, chunk_count)
    values (${file.id}::uuid, ${file.organizationId}::uuid, ${file.ownerId}::uuid, ${file.byteLength}::bigint,
      ${file.chunkCount}::integer)
    on conflict (id) do nothing returning id`.execute(transaction)
  return rows.length === 1
}

/** A file the person announced. */
export async function findOwnFile(
  transaction: Transaction,
  userId: string,
  id: string,
): Promise<AnnouncedFile | undefined> {
  const { rows } = await sql<AnnouncedFile>`
    select byte_length::float8 as "byteLength", chunk_count as "chunkCount", is_attached as "isSent"
    from public.blob where id = ${id}::uuid and owner_id = ${userId}::uuid`.execute(transaction)
  return rows[0]
}

export async function selectReceived(transaction: Transaction, id: string): Promise<number[]> {
  const { rows } = await sql<{ index: number }>`
    select index from nokkel.received_chunks(array[${id}::uuid])`.execute(transaction)
  return rows.map(({ index }) => index)
}

/**
 * Stores a chunk unless the file is sent. A send of the file waits until this transaction has ended, and this waits for
 * a send.
 */
export async function upsertChunk(
  transaction: Transaction,
  id: string,
  index: number,
  bytes: Uint8Array,
): Promise<boolean> {
  const { rows } = await sql`
    with pending as (
      select b.id from public.blob b where b.id = ${id}::uuid and not b.is_attached for share
    )
    insert into public.blob_chunk (blob_id, index, bytes)
    select id, ${index}::integer, ${bytes}::bytea from pending
    on conflict (blob_id, index) do update set bytes = excluded.bytes
    returning index`.execute(transaction)
  return rows.length === 1
}

/** A chunk of a file the person may read. */
export async function findChunk(transaction: Transaction, id: string, index: number): Promise<Uint8Array | undefined> {
  const { rows } = await sql<{ bytes: Uint8Array }>`
    select bytes from public.blob_chunk where blob_id = ${id}::uuid and index = ${index}::integer`.execute(transaction)
  return rows[0]?.bytes
}

import { sql } from 'kysely'
import type { Transaction } from '../db/database.ts'
import type { HeldDevice, WireKey } from './addressing.ts'
import type { OwnDevice } from './statement.ts'

/** The device of the session in the claims. */
export async function findOwnDevice(transaction: Transaction): Promise<OwnDevice | undefined> {
  const { rows } = await sql<OwnDevice>`
    select d.id, d.signing_thumbprint as "signingThumbprint"
    from public.device_key d where d.id = (select nokkel.device_id()) and d.state = 'active'`.execute(transaction)
  return rows[0]
}

/** Active devices of members of the organisation, and one's own; they stay as they are until the transaction ends. */
export async function holdDevices(
  transaction: Transaction,
  organizationId: string,
  users: readonly string[],
): Promise<HeldDevice[]> {
  const { rows } = await sql<HeldDevice>`
    select id, user_id as "userId", encryption_thumbprint as "encryptionThumbprint"
    from nokkel.hold_devices(${organizationId}::uuid, ${users}::uuid[])`.execute(transaction)
  return rows
}

export interface AssignmentToStore {
  readonly id: string
  readonly organizationId: string
  readonly senderId: string
  readonly content: Uint8Array
  readonly statement: string
  readonly signerThumbprint: string
  readonly fileCount: number
}

/** False when the id is taken. */
export async function insertAssignment(transaction: Transaction, assignment: AssignmentToStore): Promise<boolean> {
  const { id, organizationId, senderId, content, statement, signerThumbprint, fileCount } = assignment
  const { rows } = await sql`
    insert into public.assignment (id, organization_id, sender_id, content, statement, signer_thumbprint, file_count)
    values (${id}::uuid, ${organizationId}::uuid, ${senderId}::uuid, ${content}::bytea, ${statement},
      ${signerThumbprint}, ${fileCount}::integer)
    on conflict (id) do nothing returning id`.execute(transaction)
  return rows.length === 1
}

/** Whether the person has sent exactly this before; `undefined` when they have sent nothing under this id. */
export async function isSameAssignment(
  transaction: Transaction,
  { id, senderId, content, statement }: AssignmentToStore,
): Promise<boolean | undefined> {
  const { rows } = await sql<{ same: boolean }>`
    select a.statement = ${statement} and a.content = ${content}::bytea as same
    from public.assignment a where a.id = ${id}::uuid and a.sender_id = ${senderId}::uuid`.execute(transaction)
  return rows[0]?.same
}

export async function insertRecipients(
  transaction: Transaction,
  id: string,
  recipients: readonly string[],
): Promise<void> {
  await sql`
    insert into public.assignment_recipient (assignment_id, user_id)
    select ${id}::uuid, user_id from unnest(${recipients}::uuid[]) user_id`.execute(transaction)
}

export async function insertKeys(transaction: Transaction, id: string, keys: readonly WireKey[]): Promise<void> {
  await sql`
    insert into public.assignment_key (assignment_id, device_id, user_id, wrapped_key)
    select ${id}::uuid, k."deviceId", k."userId",
      decode(rpad(translate(k."wrappedKey", '-_', '+/'), (length(k."wrappedKey") + 3) / 4 * 4, '='), 'base64')
    from jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) k ("deviceId" uuid, "userId" uuid, "wrappedKey" text)`.execute(
    transaction,
  )
}

/** Takes back every key, and with them what is said of recipients who could open it with none of theirs any more. */
export async function deleteKeys(transaction: Transaction, id: string): Promise<void> {
  await sql`select nokkel.reset_deliveries(${id}::uuid)`.execute(transaction)
  await sql`delete from public.assignment_key where assignment_id = ${id}::uuid`.execute(transaction)
}

/** Attaches the person's own pending files; gives those of them that are complete. No chunk changes afterwards. */
export async function attachFiles(
  transaction: Transaction,
  assignment: { readonly id: string; readonly organizationId: string; readonly senderId: string },
  blobs: readonly string[],
): Promise<string[]> {
  // Chunks on their way are waited for here, so the count below must be a statement of its own.
  await sql`
    update public.blob set assignment_id = ${assignment.id}::uuid
    where id = any (${blobs}::uuid[]) and owner_id = ${assignment.senderId}::uuid
      and organization_id = ${assignment.organizationId}::uuid and not is_attached`.execute(transaction)
  const { rows } = await sql<{ id: string }>`
    select b.id from public.blob b join nokkel.received_chunks(${blobs}::uuid[]) c on c.blob_id = b.id
    where b.assignment_id = ${assignment.id}::uuid
    group by b.id having count(*) = b.chunk_count and sum(c.byte_length) = b.byte_length`.execute(transaction)
  return rows.map(({ id }) => id)
}

export interface SentAssignment {
  readonly organizationId: string
  readonly statement: string
  readonly revision: number
  readonly contentDigest: Uint8Array
  readonly recipients: string[]
}

/** What the person sent and may address again; others who would do the same wait until the transaction ends. */
export async function lockSentAssignment(
  transaction: Transaction,
  id: string,
  senderId: string,
): Promise<SentAssignment | undefined> {
  const { rows } = await sql<SentAssignment>`
    select a.organization_id as "organizationId", a.statement, a.revision, sha256(a.content) as "contentDigest",
      array(select r.user_id::text from public.assignment_recipient r where r.assignment_id = a.id) as recipients
    from public.assignment a where a.id = ${id}::uuid and a.sender_id = ${senderId}::uuid
    for no key update of a`.execute(transaction)
  return rows[0]
}

export async function updateStatement(
  transaction: Transaction,
  id: string,
  { statement, signerThumbprint, revision }: { statement: string; signerThumbprint: string; revision: number },
): Promise<void> {
  await sql`
    update public.assignment
    set statement = ${statement}, signer_thumbprint = ${signerThumbprint}, revision = ${revision}::integer
    where id = ${id}::uuid`.execute(transaction)
}

export async function markFetched(transaction: Transaction, id: string, userId: string): Promise<void> {
  await sql`
    update public.assignment_recipient set fetched_at = now()
    where assignment_id = ${id}::uuid and user_id = ${userId}::uuid and fetched_at is null`.execute(transaction)
}

/** False when this device cannot have opened it: not a recipient, or no key. */
export async function markOpened(transaction: Transaction, id: string, userId: string): Promise<boolean> {
  const { rows } = await sql`
    update public.assignment_recipient r
    set fetched_at = coalesce(r.fetched_at, now()), opened_at = coalesce(r.opened_at, now())
    where r.assignment_id = ${id}::uuid and r.user_id = ${userId}::uuid and exists (
      select from public.assignment a join public.assignment_key k on k.assignment_id = a.id
      where a.id = r.assignment_id and k.device_id = (select nokkel.device_id())
    ) returning r.user_id`.execute(transaction)
  return rows.length === 1
}

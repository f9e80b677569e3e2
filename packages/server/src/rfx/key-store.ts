import type { RfxGroup, RfxRecipient, RfxSigner, RfxWrap } from '@nokkel/contract'
import { encodeBase64Url, type PublicJwk, type RfxGroupKind } from '@nokkel/crypto'
import { sql } from 'kysely'
import { byteaText } from '../db/bytea.ts'
import type { Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'

/** A revision of a manifest whose signature was verified. */
export interface ManifestToStore {
  readonly version: number
  readonly revision: number
  readonly previous: Uint8Array | null
  readonly statement: string
  readonly digest: Uint8Array
  readonly leaves: Uint8Array
  readonly commitment: Uint8Array
  readonly sealTo: PublicJwk | null
  readonly signerThumbprint: string
}

export interface WrapToStore extends RfxWrap {
  /** SHA-256 of the wrap. */
  readonly hash: Uint8Array
}

const manifestRow = (manifest: ManifestToStore) => sql`
  row(${manifest.version}::integer, ${manifest.revision}::integer, ${manifest.previous}::bytea, ${manifest.statement}::text,
    ${manifest.digest}::bytea, ${manifest.leaves}::bytea, ${manifest.commitment}::bytea,
    ${manifest.sealTo && JSON.stringify(manifest.sealTo)}::text,
    ${manifest.signerThumbprint}::text)::nokkel.rfx_manifest_input`

const wrapRows = (wraps: readonly WrapToStore[]) => sql`
  array(
    select row(w.owner, w."ownerId", w.role, w."keyId", w.thumbprint, w."encryptedSymmetricKey", w.hash::bytea)::nokkel.rfx_wrap_input
    from jsonb_to_recordset(${JSON.stringify(wraps.map((wrap) => ({ ...wrap, hash: byteaText(wrap.hash) })))}::jsonb) w
      (owner text, "ownerId" uuid, role text, "keyId" uuid, thumbprint text, "encryptedSymmetricKey" text, hash text))`

// Writing -------------------------------------------------------------------------------------------------------------

/** False when the person made it before. */
export async function insertRfx(
  transaction: Transaction,
  { id, companyId }: { readonly id: string; readonly companyId: string },
  wraps: readonly WrapToStore[],
  requestId: string,
): Promise<boolean> {
  const { rows } = await sql<{ made: boolean }>`
    select nokkel.create_rfx(${id}::uuid, ${companyId}::uuid, ${wrapRows(wraps)}, ${requestId}::uuid) as made`.execute(
    transaction,
  )
  return rows[0]?.made === true
}

/** Whether the first revision and the first entry of a project are these. */
export async function hasBegunWith(
  transaction: Transaction,
  id: string,
  manifest: Uint8Array,
  entry: Uint8Array,
): Promise<boolean> {
  const { rows } = await sql<{ same: boolean }>`
    select exists (
      select from public.rfx_manifest m join public.rfx_entry e on e.rfx_id = m.rfx_id and e.sequence = 1
      where m.rfx_id = ${id}::uuid and m.version = 1 and m.revision = 1 and m.digest = ${manifest}::bytea
        and e.digest = ${entry}::bytea
    ) as same`.execute(transaction)
  return rows[0]?.same === true
}

export interface GroupToStore {
  readonly groupId: string
  readonly rfxId: string
  readonly kind: 'opening' | 'bidder'
  readonly companyId: string
}

/** Gives the id of the group there is: this one, or one that was made before. */
export async function insertGroup(
  transaction: Transaction,
  { groupId, rfxId, kind, companyId }: GroupToStore,
  wraps: readonly WrapToStore[],
  requestId: string,
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select nokkel.create_rfx_group(${groupId}::uuid, ${rfxId}::uuid, ${kind}, ${companyId}::uuid, ${wrapRows(wraps)},
      ${requestId}::uuid) as id`.execute(transaction)
  return (rows as [{ id: string }])[0].id
}

export async function insertWraps(
  transaction: Transaction,
  groupId: string,
  manifest: ManifestToStore,
  wraps: readonly WrapToStore[],
  requestId: string,
): Promise<void> {
  await sql`
    select nokkel.add_rfx_wraps(${groupId}::uuid, ${manifestRow(manifest)}, ${wrapRows(wraps)},
      ${requestId}::uuid)`.execute(transaction)
}

/** An attempt to make the next version of the key of a group. */
export interface AttemptPath {
  /** Of the group. */
  readonly id: string
  readonly attemptId: string
}

export interface AttemptToStore {
  readonly groupId: string
  readonly attemptId: string
  readonly version: number
  readonly previousKey: Uint8Array
}

export async function insertAttempt(
  transaction: Transaction,
  { groupId, attemptId, version, previousKey }: AttemptToStore,
  requestId: string,
): Promise<void> {
  await sql`
    select nokkel.begin_rfx_version(${groupId}::uuid, ${attemptId}::uuid, ${version}::integer, ${previousKey}::bytea,
      ${requestId}::uuid)`.execute(transaction)
}

export async function insertAttemptWraps(
  transaction: Transaction,
  groupId: string,
  attemptId: string,
  manifest: ManifestToStore,
  wraps: readonly WrapToStore[],
  requestId: string,
): Promise<void> {
  await sql`
    select nokkel.add_rfx_attempt_wraps(${groupId}::uuid, ${attemptId}::uuid, ${manifestRow(manifest)},
      ${wrapRows(wraps)}, ${requestId}::uuid)`.execute(transaction)
}

/** Gives the version that is in force now. `omitted`: who may be missing in it. */
export async function activateAttempt(
  transaction: Transaction,
  { id: groupId, attemptId }: AttemptPath,
  omitted: readonly string[],
  requestId: string,
): Promise<number> {
  const { rows } = await sql<{ version: number }>`
    select nokkel.activate_rfx_version(${groupId}::uuid, ${attemptId}::uuid, ${omitted}::uuid[],
      ${requestId}::uuid) as version`.execute(transaction)
  return (rows as [{ version: number }])[0].version
}

/** Takes away what is wrapped to the person. */
export async function deleteOwnWrap(
  transaction: Transaction,
  groupId: string,
  version: number,
  requestId: string,
): Promise<void> {
  await sql`
    select nokkel.report_broken_rfx_wrap(${groupId}::uuid, ${version}::integer, ${requestId}::uuid)`.execute(
    transaction,
  )
}

// Reading -------------------------------------------------------------------------------------------------------------

/** What a group is, for those who are in it. */
export async function findGroupKind(transaction: Transaction, groupId: string): Promise<RfxGroupKind | undefined> {
  const { rows } = await sql<{ kind: RfxGroupKind }>`
    select r.kind from public.rfxs r where r.id = ${groupId}::uuid and r.company_id is not null`.execute(transaction)
  return rows[0]?.kind
}

interface GroupRow {
  readonly id: string
  readonly kind: RfxGroup['kind']
  readonly company_id: string
  readonly version: number
  readonly rekey_pending: boolean
  readonly member: boolean
  readonly via: 'user' | 'company' | null
  readonly owner_id: string
  readonly role: RfxWrap['role'] | null
  readonly key_id: string
  readonly encrypted_symmetric_key: string | null
  readonly revision: number
  readonly signed_thumbprint: string
  readonly signed_hash: Uint8Array
}

interface ManifestRow {
  readonly group_id: string
  readonly revision: number
  readonly statement: string
  readonly leaves: Uint8Array
  readonly signer_id: string
  readonly created_at: Date
}

/** One group, or all of a project, as far as they concern the person: the project first. */
export async function selectGroups(
  transaction: Transaction,
  of: { readonly rfxId: string } | { readonly groupId: string },
): Promise<RfxGroup[]> {
  const [rfxId, groupId] = 'rfxId' in of ? [of.rfxId, null] : [null, of.groupId]
  const { rows: groups } = await sql<GroupRow>`
    select * from nokkel.my_rfx_groups(${rfxId}::uuid, ${groupId}::uuid)`.execute(transaction)
  const ids = groups.map(({ id }) => id)
  const { rows: manifests } = await sql<ManifestRow>`
    select * from nokkel.rfx_manifests(${ids}::uuid[])`.execute(transaction)
  const { rows: versions } = await sql<{ group_id: string; version: number; previous_key: Uint8Array | null }>`
    select * from nokkel.rfx_versions(${ids}::uuid[])`.execute(transaction)
  return groups.map((group) => ({
    id: group.id,
    kind: group.kind,
    companyId: group.company_id,
    version: group.version,
    rekeyPending: group.rekey_pending,
    member: group.member,
    wrap: wrapOf(group),
    versions: versions
      .filter(({ group_id }) => group_id === group.id)
      .map(({ version, previous_key }) => ({ version, previousKey: previous_key && encodeBase64Url(previous_key) })),
    manifest: manifests
      .filter(({ group_id }) => group_id === group.id)
      .map(({ revision, statement, leaves, signer_id, created_at }) => ({
        revision,
        statement,
        leaves: encodeBase64Url(leaves),
        signerId: signer_id,
        createdAt: instant(created_at),
      })),
  }))
}

/** A wrap that nobody signed is none. */
function wrapOf(row: GroupRow): RfxGroup['wrap'] {
  if (row.via === null || row.role === null) return null
  return {
    via: row.via,
    ownerId: row.owner_id,
    role: row.role,
    keyId: row.key_id,
    encryptedSymmetricKey: row.encrypted_symmetric_key,
    revision: row.revision,
    thumbprint: row.signed_thumbprint,
    hash: encodeBase64Url(row.signed_hash),
  }
}

export interface RecipientFilter {
  readonly missing: boolean
  readonly after?: { readonly owner: 'user' | 'company'; readonly id: string } | undefined
  readonly limit: number
}

interface RecipientRow {
  readonly owner: RfxRecipient['owner']
  readonly owner_id: string
  readonly name: string
  readonly role: RfxRecipient['role']
  readonly company_id: string | null
  readonly state: RfxRecipient['state']
  readonly key_id: string | null
  readonly public_key: string
  readonly thumbprint: string
  readonly revision: number | null
  readonly signed_thumbprint: string
  readonly signed_hash: Uint8Array
  readonly former_ids: string[]
}

/** Those in a group, people first; nobody for those who may not wrap its key. */
export async function selectRecipients(
  transaction: Transaction,
  groupId: string,
  { missing, after, limit }: RecipientFilter,
): Promise<RfxRecipient[]> {
  const { rows } = await sql<RecipientRow>`
    select * from nokkel.rfx_recipients(${groupId}::uuid, ${missing}::boolean, ${after?.owner ?? null}::text,
      ${after?.id ?? null}::uuid, ${limit}::integer)`.execute(transaction)
  return rows.map((row) => ({
    owner: row.owner,
    ownerId: row.owner_id,
    name: row.name,
    role: row.role,
    companyId: row.company_id,
    state: row.state,
    key: row.key_id === null ? null : { id: row.key_id, publicKey: row.public_key, thumbprint: row.thumbprint },
    signed:
      row.revision === null
        ? null
        : { revision: row.revision, thumbprint: row.signed_thumbprint, hash: encodeBase64Url(row.signed_hash) },
    formerIds: row.former_ids,
  }))
}

export async function selectCoverage(
  transaction: Transaction,
  groupId: string,
): Promise<{ wrapped: number; missing: number; noKey: number }> {
  const { rows } = await sql<{ wrapped: number; missing: number; noKey: number }>`
    select wrapped, missing, no_key as "noKey" from nokkel.rfx_coverage(${groupId}::uuid)`.execute(transaction)
  return (rows as [{ wrapped: number; missing: number; noKey: number }])[0]
}

/** Whether the person may wrap the key of a group; `undefined` when they are not in it. */
export async function findMayWrap(transaction: Transaction, groupId: string): Promise<boolean | undefined> {
  const { rows } = await sql<{ may: boolean | null }>`
    select nokkel.i_may_wrap_rfx(${groupId}::uuid) as may`.execute(transaction)
  return rows[0]?.may ?? undefined
}

interface SignerRow {
  readonly thumbprint: string
  readonly user_id: string
  readonly device_id: string
  readonly public_key: PublicJwk
  readonly valid_from: Date
  readonly valid_until: Date | null
}

export async function selectSigners(
  transaction: Transaction,
  rfxId: string,
  thumbprints: readonly string[],
): Promise<RfxSigner[]> {
  const { rows } = await sql<SignerRow>`
    select * from nokkel.rfx_signers(${rfxId}::uuid, ${thumbprints}::text[])`.execute(transaction)
  return rows.map((row) => ({
    thumbprint: row.thumbprint,
    userId: row.user_id,
    deviceId: row.device_id,
    publicKey: row.public_key,
    validFrom: instant(row.valid_from),
    validUntil: optionalInstant(row.valid_until),
  }))
}

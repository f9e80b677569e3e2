import type { RfxFault } from '@nokkel/contract'
import type { RfxGroupKind, RfxOwner, RfxRole } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Database, Transaction } from '../db/database.ts'

interface FaultRow {
  readonly problem: RfxFault['problem']
  readonly rfx_id: string
  readonly subject_type: RfxFault['subjectType']
  readonly subject_id: string
}

const toFault = (row: FaultRow): RfxFault => ({
  problem: row.problem,
  groupId: row.rfx_id,
  subjectType: row.subject_type,
  subjectId: row.subject_id,
})

/** What rows alone tell of one project. @throws `not_found` or `forbidden`: for those who may not wrap its key. */
export async function selectMyFaults(transaction: Transaction, rfxId: string): Promise<RfxFault[]> {
  const { rows } = await sql<FaultRow>`select * from nokkel.my_rfx_faults(${rfxId}::uuid)`.execute(transaction)
  return rows.map(toFault)
}

/** The same for the operator. */
export async function selectFaults(database: Database, rfxId: string): Promise<RfxFault[]> {
  const { rows } = await sql<FaultRow>`select * from nokkel.rfx_faults(${rfxId}::uuid)`.execute(database)
  return rows.map(toFault)
}

/** A group, and what its present version must begin with. */
export interface GroupToCheck {
  readonly id: string
  readonly organizationId: string
  readonly kind: RfxGroupKind
  readonly version: number
  /** Whether somebody who has gone may still stand in the manifest. */
  readonly expectsGone: boolean
  /** Digest of the last revision of the version before. */
  readonly previous: Uint8Array | null
}

/** In the order of their ids. */
export async function selectGroupsToCheck(
  database: Database,
  { rfxId, after, limit }: { readonly rfxId?: string; readonly after?: string | undefined; readonly limit: number },
): Promise<GroupToCheck[]> {
  const { rows } = await sql<GroupToCheck>`
    select id, organization_id as "organizationId", kind, version, expects_gone as "expectsGone", previous
    from nokkel.rfx_groups(${rfxId ?? null}::uuid, ${after ?? null}::uuid, ${limit}::integer)`.execute(database)
  return rows
}

export interface SignedRevision {
  readonly revision: number
  readonly statement: string
  readonly digest: Uint8Array
  readonly leaves: Uint8Array
  readonly signerId: string
  readonly signerThumbprint: string
  /** Whose key that thumbprint is, and of which device. */
  readonly keyUser: string
  readonly keyDevice: string
}

export async function selectSignedManifest(database: Database, groupId: string): Promise<SignedRevision[]> {
  const { rows } = await sql<SignedRevision>`
    select revision, statement, digest, leaves, signer_id as "signerId", signer_thumbprint as "signerThumbprint",
      key_user as "keyUser", key_device as "keyDevice"
    from nokkel.rfx_signed_manifest(${groupId}::uuid)`.execute(database)
  return rows
}

export interface SignedWrap {
  readonly owner: RfxOwner
  readonly ownerId: string
  /** What was signed of it; all null, or none. */
  readonly role: RfxRole | null
  readonly revision: number | null
  readonly thumbprint: string | null
  readonly hash: Uint8Array | null
  /** Whether it is what was signed, or was moved to another key since. */
  readonly intact: boolean | null
  /** Accounts that were merged into that of the owner: it may have been signed for one of them. */
  readonly formerIds: readonly string[]
}

export async function selectSignedWraps(database: Database, groupId: string): Promise<SignedWrap[]> {
  const { rows } = await sql<SignedWrap>`
    select owner, owner_id as "ownerId", role, revision, signed_thumbprint as thumbprint, signed_hash as hash, intact,
      former_ids as "formerIds"
    from nokkel.rfx_signed_wraps(${groupId}::uuid)`.execute(database)
  return rows
}

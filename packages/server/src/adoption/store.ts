import type { KeyOwner } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { PreparedKey } from '../managed-keys/prepare-key.ts'
import type { AdoptionProblem, LegacyKey } from './legacy-blob.ts'

export async function selectAdoptable(
  database: Database,
  owner: KeyOwner,
  after: string | null,
  limit: number,
): Promise<LegacyKey[]> {
  const { rows } = await sql<Omit<LegacyKey, 'owner'>>`
    select owner_id as "ownerId", public_key as "publicKey", encrypted_private_key as "encryptedPrivateKey"
    from nokkel.adoptable_keys(${owner}, ${after}::uuid, ${limit}::integer)`.execute(database)
  return rows.map((row) => ({ owner, ...row }))
}

/** Stores a key in place of what was found, in one transaction with its audit row. */
export async function storeAdopted(
  database: Database,
  { owner, ownerId, encryptedPrivateKey }: LegacyKey,
  key: PreparedKey,
  runId: string,
): Promise<{ readonly outcome: 'adopted' | AdoptionProblem; readonly wraps: number }> {
  const { rows } = await sql<{ outcome: 'adopted' | AdoptionProblem; wraps: number }>`
    select outcome, wraps from nokkel.adopt_key(${owner}, ${ownerId}::uuid, ${encryptedPrivateKey}, ${key.id}::uuid,
      ${key.publicKey}, ${key.thumbprint}, ${key.encryptedPrivateKey}, ${key.envelopeHash}, ${key.masterKeyId},
      ${runId}::uuid)`.execute(database)
  return rows[0] ?? { outcome: 'changed', wraps: 0 }
}

export async function auditFailed(
  database: Database,
  { owner, ownerId }: LegacyKey,
  problem: AdoptionProblem,
  runId: string,
): Promise<void> {
  await sql`select nokkel.audit_unadopted(${owner}, ${ownerId}::uuid, ${problem}, ${runId}::uuid)`.execute(database)
}

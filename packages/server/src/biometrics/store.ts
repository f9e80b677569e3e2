import { sql } from 'kysely'
import type { Database, Transaction } from '../db/database.ts'
import { retryDeadlock } from '../db/retry.ts'
import type { Assertion, NewCredential } from './verify.ts'

export interface EnrollmentRow {
  readonly userId: string
  readonly deviceId: string
  readonly enrolledAt: Date
  readonly createdAt: Date | null
  readonly lastUsedAt: Date | null
  readonly backedUp: boolean | null
}

/** Of the device of the session. */
export async function selectEnrollment(transaction: Transaction): Promise<EnrollmentRow | undefined> {
  const { rows } = await sql<EnrollmentRow>`
    select user_id as "userId", device_id as "deviceId", enrolled_at as "enrolledAt", credential_created_at as "createdAt",
      credential_last_used_at as "lastUsedAt", backed_up as "backedUp"
    from nokkel.my_biometrics()`.execute(transaction)
  return rows[0]
}

export async function insertEnrollment(
  transaction: Transaction,
  userHandle: Uint8Array,
  requestId: string,
): Promise<void> {
  await sql`select nokkel.enroll_biometrics(${userHandle}::bytea, ${requestId}::uuid)`.execute(transaction)
}

export async function deleteEnrollment(transaction: Transaction, requestId: string): Promise<void> {
  await sql`select nokkel.remove_biometrics(${requestId}::uuid)`.execute(transaction)
}

/** The session that is to be unlocked, and the key whose proof came with the request. */
export interface Unlocking {
  readonly sessionId: string
  readonly thumbprint: string
}

export interface ChallengeRow {
  /** `live`, `not_enrolled`, `elsewhere` for a credential of another host, or why the session has ended; the rest only where it is live. */
  readonly state: string
  readonly credentialId: Uint8Array | null
  readonly userHandle: Uint8Array
  readonly organizationName: string
  readonly expiresAt: Date
}

export async function insertChallenge(
  database: Database,
  { sessionId, thumbprint }: Unlocking,
  hash: Uint8Array,
  rpId: string,
): Promise<ChallengeRow> {
  const { rows } = await retryDeadlock(() =>
    sql<ChallengeRow>`
    select state, credential_id as "credentialId", user_handle as "userHandle", organization_name as "organizationName",
      expires_at as "expiresAt"
    from nokkel.create_unlock_challenge(${sessionId}::uuid, ${thumbprint}, ${hash}::bytea, ${rpId})`.execute(database),
  )
  return (rows as [ChallengeRow])[0]
}

export interface TakenChallenge {
  /** `taken`, `unknown`, `not_enrolled`, or why the session has ended. */
  readonly result: string
  /** Both `null` where nothing is told of the session; the rest only with `taken`. */
  readonly userId: string | null
  readonly organizationId: string | null
  /** Of the relying party that the challenge was made for. */
  readonly rpId: string
  readonly userHandle: Uint8Array
  /** The credential that is to answer; `null` where one is to be made. */
  readonly credentialId: Uint8Array | null
  readonly publicKey: Uint8Array
  readonly signCount: string
  readonly deviceType: 'singleDevice' | 'multiDevice'
}

export async function takeChallenge(
  database: Database,
  { sessionId, thumbprint }: Unlocking,
  hash: Uint8Array,
): Promise<TakenChallenge> {
  const { rows } = await retryDeadlock(() =>
    sql<TakenChallenge>`
    select result, user_id as "userId", organization_id as "organizationId", rp_id as "rpId", user_handle as "userHandle",
      credential_id as "credentialId", public_key as "publicKey", sign_count as "signCount", device_type as "deviceType"
    from nokkel.take_unlock_challenge(${sessionId}::uuid, ${thumbprint}, ${hash}::bytea)`.execute(database),
  )
  return (rows as [TakenChallenge])[0]
}

export interface UnlockedRow {
  /** `unlocked`, `unknown`, `foreign`, `not_enrolled`, or why the session has ended. */
  readonly result: string
  readonly unlockedUntil: Date | null
}

export async function insertCredential(
  database: Database,
  { sessionId, thumbprint }: Unlocking,
  userHandle: Uint8Array,
  { credentialId, publicKey, signCount, deviceType, backedUp, aaguid, rpId }: NewCredential,
  requestId: string,
): Promise<UnlockedRow> {
  const { rows } = await retryDeadlock(() =>
    sql<UnlockedRow>`
    select result, unlocked_until as "unlockedUntil"
    from nokkel.add_unlock_credential(${sessionId}::uuid, ${thumbprint}, ${userHandle}::bytea, ${credentialId}::bytea,
      ${publicKey}::bytea, ${signCount}::bigint, ${deviceType}, ${backedUp}::boolean, ${aaguid}::uuid, ${rpId},
      ${requestId}::uuid)`.execute(database),
  )
  return (rows as [UnlockedRow])[0]
}

export async function updateCredential(
  database: Database,
  { sessionId, thumbprint }: Unlocking,
  userHandle: Uint8Array,
  { credentialId, signCount, backedUp }: Assertion & { readonly credentialId: Uint8Array },
  requestId: string,
): Promise<UnlockedRow> {
  const { rows } = await retryDeadlock(() =>
    sql<UnlockedRow>`
    select result, unlocked_until as "unlockedUntil"
    from nokkel.use_unlock_credential(${sessionId}::uuid, ${thumbprint}, ${userHandle}::bytea, ${credentialId}::bytea,
      ${signCount}::bigint, ${backedUp}::boolean, ${requestId}::uuid)`.execute(database),
  )
  return (rows as [UnlockedRow])[0]
}

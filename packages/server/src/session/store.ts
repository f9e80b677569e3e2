import type { JWK } from 'jose'
import { sql } from 'kysely'
import type { Database, Transaction } from '../db/database.ts'
import { retryDeadlock } from '../db/retry.ts'

interface SessionKeyRow {
  readonly kid: string
  readonly publicKey: JWK
  readonly wrappedPrivateKey: Uint8Array
  readonly retired: boolean
}

/** Newest first. */
export async function selectSessionKeys(database: Database): Promise<readonly SessionKeyRow[]> {
  const { rows } = await sql<SessionKeyRow>`
    select kid, public_key as "publicKey", wrapped_private_key as "wrappedPrivateKey", retired
    from nokkel.session_keys()`.execute(database)
  return rows.map((row) => ({ ...row, wrappedPrivateKey: new Uint8Array(row.wrappedPrivateKey) }))
}

export async function insertSessionKey(database: Database, key: Omit<SessionKeyRow, 'retired'>): Promise<void> {
  const { kid, publicKey, wrappedPrivateKey } = key
  await sql`select nokkel.add_session_key(${kid}, ${JSON.stringify(publicKey)}::jsonb, ${wrappedPrivateKey})`.execute(
    database,
  )
}

export interface Rotation {
  readonly result: string
  readonly sessionId: string
  readonly userId: string
  readonly organizationId: string
  readonly sessionExpiresAt: Date
  readonly sealedSuccessor: Uint8Array | null
  /** `null` where the device is not enrolled for biometrics. */
  readonly unlockedUntil: Date | null
}

export interface RotationRequest {
  readonly hash: Uint8Array
  readonly nextHash: Uint8Array
  readonly sealedSuccessor: Uint8Array
  readonly thumbprint: string
  readonly graceSeconds: number
}

export async function rotateRefreshToken(database: Database, request: RotationRequest): Promise<Rotation> {
  const { hash, nextHash, sealedSuccessor, thumbprint, graceSeconds } = request
  const { rows } = await sql<Rotation>`
    select result, session_id as "sessionId", user_id as "userId", organization_id as "organizationId",
      session_expires_at as "sessionExpiresAt", sealed_successor as "sealedSuccessor", unlocked_until as "unlockedUntil"
    from nokkel.rotate_refresh_token(${hash}, ${nextHash}, ${sealedSuccessor}, ${thumbprint},
      ${`${graceSeconds} seconds`}::interval)`.execute(database)
  const [row] = rows
  if (!row) throw new Error('rotate_refresh_token gave no row')
  return row
}

export interface SessionRow {
  readonly id: string
  readonly provider: 'bankid' | 'vipps'
  readonly deviceName: string
  readonly deviceId: string | null
  readonly authenticatedAt: Date
  readonly lastUsedAt: Date
  readonly expiresAt: Date
}

export async function selectSessions(transaction: Transaction): Promise<readonly SessionRow[]> {
  const { rows } = await sql<SessionRow>`
    select id, provider, device_name as "deviceName", device_id as "deviceId", authenticated_at as "authenticatedAt",
      last_used_at as "lastUsedAt", expires_at as "expiresAt"
    from nokkel.my_sessions()`.execute(transaction)
  return rows
}

export async function endSession(
  transaction: Transaction,
  id: string,
  reason: 'signed_out' | 'revoked',
): Promise<boolean> {
  const { rows } = await sql<{ ended: boolean }>`select nokkel.end_session(${id}::uuid, ${reason}) as ended`.execute(
    transaction,
  )
  return rows[0]?.ended ?? false
}

/** Only for the holder of its key: any other session stays as it is. */
export async function endSessionByKey(database: Database, id: string, thumbprint: string): Promise<void> {
  await retryDeadlock(() => sql`select nokkel.end_session_by_key(${id}::uuid, ${thumbprint})`.execute(database))
}

export async function endOtherSessions(transaction: Transaction): Promise<number> {
  const { rows } = await sql<{ ended: number }>`select nokkel.end_other_sessions()::int as ended`.execute(transaction)
  return rows[0]?.ended ?? 0
}

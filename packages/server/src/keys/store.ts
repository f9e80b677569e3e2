import type { Device } from '@nokkel/contract'
import type { PublicJwk } from '@nokkel/crypto'
import { sql } from 'kysely'
import type { Database, Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import type { Claims } from '../db/with-claims.ts'

export interface ChallengeToStore {
  readonly id: string
  readonly sessionId: string
  readonly encryptionThumbprint: string
  readonly challenge: Uint8Array
  readonly nonceHash: Uint8Array
}

export async function readSessionState(database: Database, { sid, sub }: Claims): Promise<string> {
  const { rows } = await sql<{ state: string }>`
    select nokkel.session_state(${sid}::uuid, ${sub}::uuid) as state`.execute(database)
  return rows[0]?.state ?? 'revoked'
}

export async function storeChallenge(database: Database, challenge: ChallengeToStore): Promise<Date> {
  const { id, sessionId, encryptionThumbprint, nonceHash } = challenge
  const { rows } = await sql<{ expires_at: Date }>`
    select nokkel.create_device_challenge(
      ${sessionId}::uuid, ${id}::uuid, ${encryptionThumbprint}, ${challenge.challenge}::bytea, ${nonceHash}::bytea
    ) as expires_at`.execute(database)
  return (rows as [{ expires_at: Date }])[0].expires_at
}

export interface TakenChallenge {
  readonly encryptionThumbprint: string
  readonly challenge: Uint8Array
  readonly nonceHash: Uint8Array
}

/** Whoever asks first gets it; nobody gets it twice. */
export async function takeChallenge(
  database: Database,
  sessionId: string,
  id: string,
): Promise<TakenChallenge | undefined> {
  const { rows } = await sql<TakenChallenge>`
    select encryption_thumbprint as "encryptionThumbprint", challenge, nonce_hash as "nonceHash"
    from nokkel.take_device_challenge(${sessionId}::uuid, ${id}::uuid)`.execute(database)
  return rows[0]
}

export interface DeviceToRegister {
  readonly sessionId: string
  readonly name: string
  readonly encryptionKey: PublicJwk
  readonly encryptionThumbprint: string
  readonly signingKey: PublicJwk
  readonly signingThumbprint: string
  readonly registration: string
  readonly replaces: boolean
}

export async function insertDevice(database: Database, device: DeviceToRegister): Promise<void> {
  await sql`
    select nokkel.register_device(
      ${device.sessionId}::uuid, ${device.name}, ${JSON.stringify(device.encryptionKey)}::jsonb,
      ${device.encryptionThumbprint}, ${JSON.stringify(device.signingKey)}::jsonb, ${device.signingThumbprint},
      ${device.registration}, ${device.replaces}::boolean
    )`.execute(database)
}

export async function bindSession(
  database: Database,
  sessionId: string,
  thumbprint: string,
  signingThumbprint: string,
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select nokkel.resume_device(${sessionId}::uuid, ${thumbprint}, ${signingThumbprint}) as id`.execute(database)
  return (rows as [{ id: string }])[0].id
}

interface DeviceRow {
  readonly id: string
  readonly name: string
  readonly current: boolean
  readonly state: Device['state']
  readonly encryption_thumbprint: string
  readonly signing_thumbprint: string
  readonly registered_at: Date
  readonly ended_at: Date | null
  readonly last_seen_at: Date | null
}

/** The person's own devices, the latest first. */
export async function selectDevices(transaction: Transaction): Promise<Device[]> {
  const { rows } = await sql<DeviceRow>`
    select d.id, d.name, d.id is not distinct from (select nokkel.device_id()) as current, d.state,
      d.encryption_thumbprint, d.signing_thumbprint, d.registered_at, d.ended_at, d.last_seen_at
    from public.device_key d
    where d.user_id = (select nokkel.user_id())
    order by d.registered_at desc, d.id`.execute(transaction)
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    current: row.current,
    state: row.state,
    encryptionThumbprint: row.encryption_thumbprint,
    signingThumbprint: row.signing_thumbprint,
    registeredAt: instant(row.registered_at),
    endedAt: optionalInstant(row.ended_at),
    lastSeenAt: optionalInstant(row.last_seen_at),
  }))
}

export async function endDevice(transaction: Transaction, id: string): Promise<boolean> {
  const { rows } = await sql<{ ended: boolean }>`select nokkel.revoke_device(${id}::uuid) as ended`.execute(transaction)
  return rows[0]?.ended === true
}

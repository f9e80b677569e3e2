import type { Me, Member, RecipientDevice } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Database, Transaction } from '../db/database.ts'
import { instant } from '../db/instant.ts'
import type { Position } from '../db/page-cursor.ts'

/** Every organisation, by name. */
export async function selectOrganizations(database: Database): Promise<{ slug: string; name: string }[]> {
  const { rows } = await sql<{ slug: string; name: string }>`
    select slug, name from nokkel.organizations()`.execute(database)
  return rows
}

interface MeRow {
  readonly id: string
  readonly name: string
  readonly organization_id: string
  readonly slug: string
  readonly organization_name: string
  readonly device_policy: Me['organization']['devicePolicy']
  readonly role: Me['role']
  readonly session_id: string
  readonly provider: Me['session']['provider']
  readonly authenticated_at: Date
  readonly expires_at: Date
  readonly device_id: string | null
  readonly personnummer_verified: boolean
  readonly former_ids: string[]
}

export async function selectMe(transaction: Transaction): Promise<Me | undefined> {
  const { rows } = await sql<MeRow>`
    select u.auth_user_id as id, u.name, o.id as organization_id, o.slug, o.name as organization_name, o.device_policy,
      m.role, s.id as session_id, s.provider, s.authenticated_at, s.expires_at, s.device_id,
      coalesce(i.personnummer_verified, false) as personnummer_verified, nokkel.former_ids() as former_ids
    from nokkel.my_session() s
    join public.organization o on o.id = s.organization_id
    join public.organization_member m on m.organization_id = o.id and m.user_id = (select nokkel.user_id())
    join public.app_user u on u.auth_user_id = m.user_id
    left join public.user_identities i on i.user_id = m.user_id`.execute(transaction)
  const [row] = rows
  return (
    row && {
      id: row.id,
      name: row.name,
      organization: {
        id: row.organization_id,
        slug: row.slug,
        name: row.organization_name,
        devicePolicy: row.device_policy,
      },
      role: row.role,
      session: {
        id: row.session_id,
        provider: row.provider,
        authenticatedAt: instant(row.authenticated_at),
        expiresAt: instant(row.expires_at),
        deviceId: row.device_id,
      },
      personnummerVerified: row.personnummer_verified,
      formerIds: row.former_ids,
    }
  )
}

export async function coordinates(transaction: Transaction, organizationId: string): Promise<boolean> {
  const { rows } = await sql<{ allowed: boolean }>`
    select nokkel.has_role(${organizationId}::uuid, 'coordinator', 'administrator') as allowed`.execute(transaction)
  return rows[0]?.allowed === true
}

export interface MemberFilter {
  readonly organizationId: string
  readonly ids?: readonly string[] | undefined
  readonly pattern?: string | undefined
  readonly after?: Position | undefined
  readonly limit: number
}

/** Members by name. */
export async function selectMembers(transaction: Transaction, filter: MemberFilter): Promise<Member[]> {
  const { organizationId, ids, pattern, after, limit } = filter
  const { rows } = await sql<{ id: string; name: string; role: Member['role']; joined_at: Date }>`
    select * from nokkel.members(
      ${organizationId}::uuid, ${ids ?? null}::uuid[], ${pattern ?? null}::text,
      ${after?.key ?? null}::text, ${after?.id ?? null}::uuid, ${limit}::integer
    )`.execute(transaction)
  const devices = await selectActiveDevices(
    transaction,
    rows.map(({ id }) => id),
  )
  return rows.map(({ id, name, role, joined_at }) => ({
    id,
    name,
    role,
    joinedAt: instant(joined_at),
    devices: devices.get(id) ?? [],
  }))
}

interface ActiveDeviceRow {
  readonly id: string
  readonly user_id: string
  readonly encryption_key: RecipientDevice['encryptionKey']
  readonly thumbprint: string
  readonly registered_at: Date
}

async function selectActiveDevices(
  transaction: Transaction,
  users: readonly string[],
): Promise<Map<string, RecipientDevice[]>> {
  const { rows } = await sql<ActiveDeviceRow>`select * from nokkel.active_devices(${users}::uuid[])`.execute(
    transaction,
  )
  const devices = rows.map(({ id, user_id, encryption_key, thumbprint, registered_at }) => ({
    userId: user_id,
    device: { id, encryptionKey: encryption_key, thumbprint, registeredAt: instant(registered_at) },
  }))
  return new Map(
    users.map((user) => [user, devices.filter(({ userId }) => userId === user).map(({ device }) => device)]),
  )
}

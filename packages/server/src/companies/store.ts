import type { CompanyKey, CompanyMember, CompanySummary } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Transaction } from '../db/database.ts'
import { instant, optionalInstant } from '../db/instant.ts'
import type { Position } from '../db/page-cursor.ts'

export interface CompanyFilter {
  readonly ids?: readonly string[] | undefined
  /** Only those the person is in. */
  readonly mine: boolean
  readonly pattern?: string | undefined
  readonly after?: Position | undefined
  readonly limit: number
}

interface CompanyRow {
  readonly id: string
  readonly name: string
  readonly organization_number: string | null
  readonly role: CompanySummary['role']
  readonly key_id: string | null
  readonly public_key: string
  readonly thumbprint: string
  readonly key_created_at: Date
}

/** Companies of the organisation, by name. */
export async function selectCompanies(transaction: Transaction, filter: CompanyFilter): Promise<CompanySummary[]> {
  const { ids, mine, pattern, after, limit } = filter
  const { rows } = await sql<CompanyRow>`
    select * from nokkel.companies(
      ${ids ?? null}::uuid[], ${mine}::boolean, ${pattern ?? null}::text, ${after?.key ?? null}::text,
      ${after?.id ?? null}::uuid, ${limit}::integer
    )`.execute(transaction)
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    organizationNumber: row.organization_number,
    key: row.key_id === null ? null : activeKey(row.key_id, row),
    role: row.role,
  }))
}

const activeKey = (id: string, { public_key, thumbprint, key_created_at }: CompanyRow) => ({
  id,
  publicKey: public_key,
  thumbprint,
  createdAt: instant(key_created_at),
})

/** Those who are in the company, by name; nobody for those who are not. */
export async function selectCompanyMembers(transaction: Transaction, company: string): Promise<CompanyMember[]> {
  const { rows } = await sql<{ id: string; name: string; role: CompanyMember['role']; joined_at: Date }>`
    select * from nokkel.company_members(${company}::uuid)`.execute(transaction)
  return rows.map(({ id, name, role, joined_at }) => ({ id, name, role, joinedAt: instant(joined_at) }))
}

interface CompanyKeyRow {
  readonly id: string
  readonly state: CompanyKey['state']
  readonly public_key: string
  readonly thumbprint: string
  readonly created_at: Date
  readonly superseded_at: Date | null
  readonly revoked_at: Date | null
  readonly destroyed_at: Date | null
  readonly wraps: number
}

/** The keys of a company, the newest first; none for those who are not in it. */
export async function selectCompanyKeys(transaction: Transaction, company: string): Promise<CompanyKey[]> {
  const { rows } = await sql<CompanyKeyRow>`select * from nokkel.company_keys(${company}::uuid)`.execute(transaction)
  return rows.map((row) => ({
    id: row.id,
    state: row.state,
    publicKey: row.public_key,
    thumbprint: row.thumbprint,
    createdAt: instant(row.created_at),
    supersededAt: optionalInstant(row.superseded_at),
    revokedAt: optionalInstant(row.revoked_at),
    destroyedAt: optionalInstant(row.destroyed_at),
    wraps: row.wraps,
  }))
}

/** Gives the id of the new company. */
export async function insertCompany(
  transaction: Transaction,
  {
    name,
    organizationNumber = null,
  }: { readonly name: string; readonly organizationNumber?: string | null | undefined },
  requestId: string,
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select nokkel.create_company(${name}, ${organizationNumber}, ${requestId}::uuid) as id`.execute(transaction)
  return (rows as [{ id: string }])[0].id
}

export interface InvitationToStore {
  readonly company: string
  readonly role: CompanyMember['role']
  readonly codeHash: Uint8Array
}

/** Gives when the invitation expires. */
export async function insertInvitation(
  transaction: Transaction,
  { company, role, codeHash }: InvitationToStore,
  requestId: string,
): Promise<Date> {
  const { rows } = await sql<{ expires_at: Date }>`
    select nokkel.invite_to_company(${company}::uuid, ${role}, ${codeHash}::bytea, ${requestId}::uuid) as expires_at`.execute(
    transaction,
  )
  return (rows as [{ expires_at: Date }])[0].expires_at
}

/** Whoever asks first becomes a member. Gives the id of the company. */
export async function useInvitation(
  transaction: Transaction,
  codeHash: Uint8Array,
  requestId: string,
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select nokkel.join_company(${codeHash}::bytea, ${requestId}::uuid) as id`.execute(transaction)
  return (rows as [{ id: string }])[0].id
}

export async function updateMember(
  transaction: Transaction,
  { id, userId }: { readonly id: string; readonly userId: string },
  role: CompanyMember['role'],
  requestId: string,
): Promise<void> {
  await sql`
    select nokkel.change_company_member(${id}::uuid, ${userId}::uuid, ${role}, ${requestId}::uuid)`.execute(transaction)
}

export async function deleteMember(
  transaction: Transaction,
  { id, userId }: { readonly id: string; readonly userId: string },
  requestId: string,
): Promise<void> {
  await sql`
    select nokkel.remove_company_member(${id}::uuid, ${userId}::uuid, ${requestId}::uuid)`.execute(transaction)
}

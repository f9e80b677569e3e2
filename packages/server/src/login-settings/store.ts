import type { Assurance, LoginSettings, VippsCost, VippsSettings } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Caller } from '../audit/caller.ts'
import type { Provider } from '../auth/providers/provider.ts'
import type { Database, Transaction } from '../db/database.ts'
import type { WrappedSecret } from './client-secret.ts'
import type { LoginSetup } from './login-setup.ts'

type SetupRow = {
  readonly organization_id: string
  readonly slug: string
  readonly minimum_assurance: Assurance
  readonly enabled: boolean
  readonly environment: VippsSettings['environment']
  readonly client_id: string | null
  readonly secret_set: boolean
  readonly authentication: VippsSettings['authentication']
  readonly merchant_serial_number: string | null
  readonly personnummer_approved: boolean
  readonly confirm_in_app: boolean
  readonly app_redirect_uri: string | null
  readonly app_callback_uri: string | null
  readonly market: VippsSettings['market']
  readonly has_cost: boolean
  readonly cost_centre: string | null
  readonly price_per_login_ore: number | null
  readonly monthly_cap: number | null
  readonly refused_at: Date | null
  readonly bankid_refused_at: Date | null
}

function toSetup(row: SetupRow, logins: number): LoginSetup {
  const { client_id: clientId } = row
  return {
    organizationId: row.organization_id,
    slug: row.slug,
    minimumAssurance: row.minimum_assurance,
    vipps: clientId === null ? null : toVipps(row, clientId),
    cost: row.has_cost
      ? { costCentre: row.cost_centre, pricePerLoginOre: row.price_per_login_ore, monthlyCap: row.monthly_cap }
      : null,
    logins,
    refusedAt: row.refused_at,
    bankidRefusedAt: row.bankid_refused_at,
  }
}

const toVipps = (row: SetupRow, clientId: string): VippsSettings => ({
  enabled: row.enabled,
  environment: row.environment,
  clientId,
  authentication: row.authentication,
  merchantSerialNumber: row.merchant_serial_number,
  personnummerApproved: row.personnummer_approved,
  confirmInApp: row.confirm_in_app,
  appRedirectUri: row.app_redirect_uri,
  appCallbackUri: row.app_callback_uri,
  market: row.market,
  secretSet: row.secret_set,
})

/** As the server and the operator need it. */
export interface StoredSetup extends LoginSetup {
  readonly name: string
  readonly enrollment: 'open' | 'invited'
  readonly devicePolicy: 'one' | 'several'
  readonly retentionDays: number
  readonly wrappedClientSecret: Uint8Array | null
  readonly revision: number
}

/** Of the organisations with these slugs, or of all; by slug. */
export async function selectSetups(database: Database, slugs: readonly string[] | null): Promise<StoredSetup[]> {
  const { rows } = await sql<
    Omit<SetupRow, 'secret_set'> & {
      readonly name: string
      readonly enrollment: StoredSetup['enrollment']
      readonly device_policy: StoredSetup['devicePolicy']
      readonly retention_days: number
      readonly wrapped_client_secret: Uint8Array | null
      readonly revision: number
      readonly logins: number
    }
  >`select * from nokkel.login_setups(${slugs && [...slugs]}::text[])`.execute(database)
  return rows.map((row) => ({
    ...toSetup({ ...row, secret_set: row.wrapped_client_secret !== null }, row.logins),
    name: row.name,
    enrollment: row.enrollment,
    devicePolicy: row.device_policy,
    retentionDays: row.retention_days,
    wrappedClientSecret: row.wrapped_client_secret,
    revision: row.revision,
  }))
}

/** Of the organisation that the person administers and is logged in to; `undefined` for everybody else. */
export async function selectOwnSetup(
  transaction: Transaction,
): Promise<{ readonly setup: LoginSetup; readonly usage: LoginSettings['usage'] } | undefined> {
  const { rows } = await sql<SetupRow>`
    select o.id as organization_id, o.slug, o.minimum_assurance, c.enabled, c.environment, c.client_id, c.secret_set,
      c.authentication, c.merchant_serial_number, c.personnummer_approved, c.confirm_in_app, c.app_redirect_uri,
      c.app_callback_uri, c.market, p.organization_id is not null as has_cost, p.cost_centre, p.price_per_login_ore,
      p.monthly_cap, nokkel.vipps_refused_at() as refused_at, nokkel.bankid_refused_at()
    from public.organization o
    left join public.vipps_org_config c on c.organization_id = o.id
    left join public.vipps_org_cost_config p on p.organization_id = o.id
    where o.id = (select nokkel.administered_organization())`.execute(transaction)
  const [row] = rows
  if (!row) return undefined
  const { rows: usage } = await sql<LoginSettings['usage'][number]>`
    select month, logins from nokkel.vipps_usage()`.execute(transaction)
  return { setup: toSetup(row, usage[0]?.logins ?? 0), usage }
}

/** @throws `forbidden` or `login_too_old`: for whoever may not change the organisation they are logged in to. */
export async function requireOwnOrganization(transaction: Transaction): Promise<void> {
  await sql`select nokkel.require_own_organization()`.execute(transaction)
}

type VippsInput = Omit<VippsSettings, 'secretSet'>

/** Members are columns. */
const vippsColumns = (settings: VippsInput): string =>
  JSON.stringify({
    enabled: settings.enabled,
    environment: settings.environment,
    client_id: settings.clientId,
    authentication: settings.authentication,
    merchant_serial_number: settings.merchantSerialNumber,
    personnummer_approved: settings.personnummerApproved,
    confirm_in_app: settings.confirmInApp,
    app_redirect_uri: settings.appRedirectUri,
    app_callback_uri: settings.appCallbackUri,
    market: settings.market,
  })

/** @throws `forbidden`, `secret_required` or that of a session that has ended. */
export async function storeVippsSettings(
  database: Database,
  { claims, requestId }: Caller,
  settings: VippsInput,
  secret: WrappedSecret | null,
): Promise<void> {
  await sql`
    select nokkel.put_vipps_config(${claims.sid}::uuid, ${claims.sub}::uuid, ${claims.organization}::uuid,
      ${requestId}::uuid, ${vippsColumns(settings)}::jsonb, ${secret?.envelope ?? null}::bytea,
      ${secret?.masterKeyId ?? null})`.execute(database)
}

/** @throws `forbidden`. */
export async function storeVippsCost(transaction: Transaction, cost: VippsCost, requestId: string): Promise<void> {
  await sql`
    select nokkel.put_vipps_cost(${cost.costCentre}, ${cost.pricePerLoginOre}::integer, ${cost.monthlyCap}::integer,
      ${requestId}::uuid)`.execute(transaction)
}

/** @throws `forbidden`. */
export async function storeMinimumAssurance(
  transaction: Transaction,
  minimumAssurance: Assurance,
  requestId: string,
): Promise<void> {
  await sql`select nokkel.put_minimum_assurance(${minimumAssurance}, ${requestId}::uuid)`.execute(transaction)
}

export interface OrganizationToStore {
  readonly slug: string
  readonly name: string
  readonly enrollment: StoredSetup['enrollment']
  readonly devicePolicy: StoredSetup['devicePolicy']
  readonly minimumAssurance: Assurance
  readonly retentionDays: number
}

/** By the operator. Gives the id. */
export async function applyOrganization(
  database: Database,
  { slug, name, enrollment, devicePolicy, minimumAssurance, retentionDays }: OrganizationToStore,
  runId: string,
): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    select nokkel.apply_organization(${slug}, ${name}, ${enrollment}, ${devicePolicy}, ${minimumAssurance},
      ${retentionDays}::integer, ${runId}::uuid) as id`.execute(database)
  return (rows as [{ id: string }])[0].id
}

/** By the operator. @throws `secret_required`. */
export async function applyVippsSettings(
  database: Database,
  organizationId: string,
  settings: VippsInput,
  secret: WrappedSecret | null,
  runId: string,
): Promise<void> {
  await sql`
    select nokkel.apply_vipps_config(${organizationId}::uuid, ${vippsColumns(settings)}::jsonb,
      ${secret?.envelope ?? null}::bytea, ${secret?.masterKeyId ?? null}, ${runId}::uuid)`.execute(database)
}

/** By the operator. */
export async function applyVippsCost(
  database: Database,
  organizationId: string,
  cost: VippsCost,
  runId: string,
): Promise<void> {
  await sql`
    select nokkel.apply_vipps_cost(${organizationId}::uuid, ${cost.costCentre}, ${cost.pricePerLoginOre}::integer,
      ${cost.monthlyCap}::integer, ${runId}::uuid)`.execute(database)
}

/** @throws `organization_unknown` or `not_found`. @returns Whether they did not have the role already. */
export async function appoint(
  database: Database,
  { slug, userId, role }: { readonly slug: string; readonly userId: string; readonly role: string },
  runId: string,
): Promise<boolean> {
  const { rows } = await sql<{ appointed: boolean }>`
    select nokkel.appoint(${slug}, ${userId}::uuid, ${role}, ${runId}::uuid) as appointed`.execute(database)
  return rows[0]?.appointed === true
}

/** The provider did not take the client of the organisation. */
export async function noteRefusal(database: Database, provider: Provider, organizationId: string): Promise<void> {
  await (provider === 'vipps'
    ? sql`select nokkel.note_vipps_refusal(${organizationId}::uuid)`
    : sql`select nokkel.note_bankid_refusal(${organizationId}::uuid)`
  ).execute(database)
}

/** BankID has taken the client of the organisation. */
export async function endBankIdRefusal(database: Database, organizationId: string): Promise<void> {
  await sql`select nokkel.end_bankid_refusal(${organizationId}::uuid)`.execute(database)
}

/** One more that Vipps has been paid for: it takes the client. */
export async function countVippsLogin(database: Database, organizationId: string): Promise<void> {
  await sql`select nokkel.count_vipps_login(${organizationId}::uuid)`.execute(database)
}

import type { Assurance, PersonnummerOutcome, ProblemCode } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Database, Transaction } from '../db/database.ts'
import { retryDeadlock } from '../db/retry.ts'
import type { Claims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import type { LoginRecord } from './login-record.ts'
import type { Provider } from './providers/provider.ts'
import type { VerifiedLogin } from './verified-login.ts'

/** Where a login is to be, and what it must prove there. */
export interface LoginOrganization {
  readonly id: string
  readonly slug: string
  readonly minimumAssurance: Assurance
}

export async function selectOrganization(database: Database, slug: string): Promise<LoginOrganization | undefined> {
  const { rows } = await sql<LoginOrganization>`
    select organization_id as id, slug, minimum_assurance as "minimumAssurance"
    from nokkel.login_setups(array[${slug}]::text[])`.execute(database)
  return rows[0]
}

export interface NewAttempt {
  readonly provider: Provider
  readonly organizationId: string
  readonly issuer: string
  readonly clientId: string
  readonly redirectUri: string
  readonly stateHash: Uint8Array
  readonly nonceHash: Uint8Array
  readonly codeChallenge: string
  readonly consentVersion: string
  readonly consentShares: readonly string[]
  readonly scope: string
  readonly flow: string
  readonly linkSessionId: string | null
  readonly waitingId: string | null
  readonly supabaseUserId: string | null
}

export async function insertAttempt(database: Database, attempt: NewAttempt): Promise<{ id: string; expiresAt: Date }> {
  const { provider, organizationId, issuer, clientId, redirectUri, stateHash, nonceHash, codeChallenge } = attempt
  const { rows } = await sql<{ id: string; expiresAt: Date }>`
    select id, expires_at as "expiresAt" from nokkel.begin_login(${provider}, ${organizationId}::uuid, ${issuer},
      ${clientId}, ${redirectUri}, ${stateHash}, ${nonceHash}, ${codeChallenge}, ${attempt.consentVersion},
      ${attempt.consentShares}::text[], ${attempt.scope}, ${attempt.flow}, ${attempt.linkSessionId}::uuid,
      ${attempt.waitingId}::uuid, ${attempt.supabaseUserId}::uuid)`.execute(database)
  const [row] = rows
  if (!row) throw new Error('begin_login gave no row')
  return row
}

/**
 * Lets an attempt go on although a cap is reached, for an administrator with a live session, who alone may finish it.
 *
 * @returns `false`: for nobody else, and not for them again so soon.
 */
export async function letPastCap(
  database: Database,
  loginId: string,
  { sid, sub, organization }: Claims,
): Promise<boolean> {
  const { rows } = await sql<{ let: boolean }>`
    select nokkel.let_past_cap(${loginId}::uuid, ${sid}::uuid, ${sub}::uuid, ${organization}::uuid) as let`.execute(
    database,
  )
  return rows[0]?.let ?? false
}

/** Whether an attempt was let past a cap for somebody else than who has logged in. */
export async function isPastCapOfAnother(
  database: Database,
  loginId: string,
  { provider, client, subject }: Pick<VerifiedLogin, 'provider' | 'client' | 'subject'>,
): Promise<boolean> {
  const { rows } = await sql<{ another: boolean }>`
    select nokkel.is_past_cap_of_another(${loginId}::uuid, ${provider}, ${client}, ${subject}) as another`.execute(
    database,
  )
  return rows[0]?.another ?? false
}

export interface Attempt extends NewAttempt {
  readonly organization: string
  readonly minimumAssurance: Assurance
}

/** Whether the id was that of somebody who was erased: nobody gets it again. */
export async function isErased(database: Database, userId: string): Promise<boolean> {
  const { rows } = await sql<{ erased: boolean }>`select nokkel.is_erased(${userId}::uuid) as erased`.execute(database)
  return rows[0]?.erased ?? false
}

/** Consumes the attempt: nobody gets it again, whatever becomes of the login. */
export async function takeAttempt(
  database: Database,
  id: string,
  session: string | null,
): Promise<Attempt | undefined> {
  const { rows } = await sql<Attempt>`
    select provider, organization_id as "organizationId", organization_slug as organization, issuer,
      client_id as "clientId", redirect_uri as "redirectUri", state_hash as "stateHash", nonce_hash as "nonceHash",
      code_challenge as "codeChallenge", consent_version as "consentVersion", consent_shares as "consentShares",
      scope, flow, link_session_id as "linkSessionId", waiting_id as "waitingId",
      supabase_user_id as "supabaseUserId", minimum_assurance as "minimumAssurance"
    from nokkel.take_login(${id}::uuid, ${session}::uuid)`.execute(database)
  return rows[0]
}

export type LinkingWay = 'bankid' | 'vipps' | 'supabase'

export interface NewSession {
  readonly thumbprint: string
  readonly deviceName: string
  readonly refreshHash: Uint8Array
  readonly lifetimeDays: number
}

export interface SignIn {
  readonly login: LoginRecord
  readonly supabaseUserId: string | null
  /** The waiting login that this one confirms. */
  readonly confirms: string | null
  /** How people can log in here, to show that another account is theirs. */
  readonly ways: readonly LinkingWay[]
  /** Compared with what the accounts of Supabase have, and not stored. */
  readonly phoneNumber: string | null
  readonly email: string | null
  /** Of the row, if this login has to wait. */
  readonly waiting: { readonly id: string; readonly tokenHash: Uint8Array; readonly contact: Uint8Array | null }
  readonly session: NewSession
  readonly requestId: string
}

export interface SignedInRow {
  readonly userId: string
  readonly sessionId: string
  readonly sessionExpiresAt: Date
  readonly outcome: 'signed_in' | 'identity_linked' | 'account_created'
  readonly personnummer: PersonnummerOutcome
}

type SignInOutcome =
  | (SignedInRow & { readonly confirmedContact: Uint8Array | null })
  | { readonly outcome: 'needs_linking'; readonly ways: LinkingWay[]; readonly waitsUntil: Date }

/** Decides whose the login is. @throws {ServerError} What the decision refuses with; that it did is recorded. */
export async function signIn(database: Database, request: SignIn): Promise<SignInOutcome> {
  const { login, supabaseUserId, confirms, ways, phoneNumber, email, waiting, session, requestId } = request
  const { thumbprint, deviceName, refreshHash, lifetimeDays } = session
  const { rows } = await retryDeadlock(() =>
    sql<Decision<SignInOutcome>>`
      select outcome, problem, user_id as "userId", session_id as "sessionId", session_expires_at as "sessionExpiresAt",
        personnummer, ways, waits_until as "waitsUntil", confirmed_contact as "confirmedContact"
      from nokkel.sign_in(${JSON.stringify(login)}::jsonb, ${supabaseUserId}::uuid, ${confirms}::uuid, ${ways}::text[],
        ${phoneNumber}, ${email}, ${waiting.id}::uuid, ${waiting.tokenHash}, ${waiting.contact}, ${thumbprint},
        ${deviceName}, ${refreshHash}, ${`${lifetimeDays} days`}::interval, ${requestId}::uuid)`.execute(database),
  )
  const decided = decisionOf('sign_in', rows)
  if (decided.outcome === 'needs_linking') return decided
  const { confirmedContact } = decided
  return { ...decided, confirmedContact: confirmedContact && new Uint8Array(confirmedContact) }
}

/** `null`: there is none, or it does not wait any longer. */
export async function selectWaitingId(
  database: Database,
  tokenHash: Uint8Array,
  organization: string,
): Promise<string | null> {
  const { rows } = await sql<{ id: string | null }>`
    select nokkel.waiting_login(${tokenHash}, ${organization}) as id`.execute(database)
  return rows[0]?.id ?? null
}

export interface ContinuedRow extends SignedInRow {
  readonly organizationId: string
  readonly waitingId: string
  readonly contact: Uint8Array | null
}

/** @throws {ServerError} `link_unknown` or `login_not_member`. */
export async function continueWaiting(
  database: Database,
  tokenHash: Uint8Array,
  { thumbprint, deviceName, refreshHash, lifetimeDays }: NewSession,
  requestId: string,
): Promise<ContinuedRow> {
  const { rows } = await retryDeadlock(() =>
    sql<Decision<ContinuedRow>>`
      select outcome, problem, user_id as "userId", session_id as "sessionId", session_expires_at as "sessionExpiresAt",
        personnummer, organization_id as "organizationId", waiting_id as "waitingId", contact
      from nokkel.continue_login(${tokenHash}, ${thumbprint}, ${deviceName}, ${refreshHash},
        ${`${lifetimeDays} days`}::interval, ${requestId}::uuid)`.execute(database),
  )
  const continued = decisionOf('continue_login', rows)
  return { ...continued, contact: continued.contact && new Uint8Array(continued.contact) }
}

/** The session in which a way in is to be added. */
export async function selectLinkingSession(
  transaction: Transaction,
): Promise<{ readonly organization: string; readonly isFresh: boolean }> {
  const { rows } = await sql<{ organization: string; isFresh: boolean }>`
    select o.slug as organization, s.authenticated_at >= now() - interval '5 minutes' as "isFresh"
    from nokkel.my_session() s join public.organization o on o.id = s.organization_id`.execute(transaction)
  const [row] = rows
  if (!row) throw new ServerError('session_ended')
  return row
}

export interface LinkedRow {
  readonly outcome: 'identity_linked' | 'already_linked'
  readonly id: string
  readonly personnummer: PersonnummerOutcome
}

/** @throws {ServerError} `session_ended`, `login_of_other_account` or `login_other_person`. */
export async function linkLogin(
  database: Database,
  request: {
    readonly userId: string
    readonly sessionId: string
    readonly login: LoginRecord
    readonly requestId: string
  },
): Promise<LinkedRow> {
  const { userId, sessionId, login, requestId } = request
  const { rows } = await retryDeadlock(() =>
    sql<Decision<LinkedRow>>`
      select outcome, problem, id, personnummer
      from nokkel.link_login(${userId}::uuid, ${sessionId}::uuid, ${JSON.stringify(login)}::jsonb,
        ${requestId}::uuid)`.execute(database),
  )
  return decisionOf('link_login', rows)
}

export interface LoginRow {
  readonly id: string
  readonly provider: Provider
  readonly linkedAt: Date
  readonly lastLoginAt: Date | null
  readonly current: boolean
  readonly organization: string | null
}

export async function selectLogins(transaction: Transaction): Promise<readonly LoginRow[]> {
  const { rows } = await sql<LoginRow>`
    select id, provider, linked_at as "linkedAt", last_login_at as "lastLoginAt", current, organization
    from nokkel.my_logins()`.execute(transaction)
  return rows
}

export async function deleteLogin(transaction: Transaction, id: string, requestId: string): Promise<void> {
  await sql`select nokkel.remove_login(${id}::uuid, ${requestId}::uuid)`.execute(transaction)
}

/** What was decided, or why not: the row that records a refusal must stand. */
type Decision<T> = (T & { readonly problem: null }) | { readonly problem: ProblemCode }

function decisionOf<T extends object>(name: string, rows: readonly Decision<T>[]): T {
  const [row] = rows
  if (!row) throw new Error(`${name} gave no row`)
  if (row.problem !== null) throw new ServerError(row.problem)
  const { problem: _, ...decided } = row
  return decided as unknown as T
}

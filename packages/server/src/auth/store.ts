import type { Assurance } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { Provider } from './providers/provider.ts'

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

export interface Attempt extends NewAttempt {
  readonly organization: string
  readonly minimumAssurance: Assurance
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

export interface SignIn {
  readonly provider: Provider
  readonly clientId: string
  readonly subject: string
  readonly organizationId: string
  readonly name: string
  readonly acr: string | null
  readonly personnummerIndex: Uint8Array | null
  readonly personnummerIndexKey: string | null
  readonly thumbprint: string
  readonly deviceName: string
  readonly refreshHash: Uint8Array
  readonly lifetimeDays: number
}

export interface SignedIn {
  readonly userId: string
  readonly sessionId: string
  readonly sessionExpiresAt: Date
  readonly outcome: 'signed_in' | 'identity_linked' | 'account_created'
}

export async function signIn(database: Database, login: SignIn): Promise<SignedIn> {
  const { rows } = await sql<SignedIn>`
    select user_id as "userId", session_id as "sessionId", session_expires_at as "sessionExpiresAt", outcome
    from nokkel.sign_in(${login.provider}, ${login.clientId}, ${login.subject}, ${login.organizationId}::uuid,
      ${login.name}, ${login.acr}, ${login.personnummerIndex}, ${login.personnummerIndexKey}, ${login.thumbprint},
      ${login.deviceName}, ${login.refreshHash}, ${`${login.lifetimeDays} days`}::interval)`.execute(database)
  const [row] = rows
  if (!row) throw new Error('sign_in gave no row')
  return row
}

import type { LinkingOffer, LoginFlow } from '@nokkel/contract'
import type { DeviceKeys } from '@nokkel/crypto'
import type { NokkelErrorCode } from '../errors.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { AuthState } from './authentication-service.ts'

/** What it takes to begin a login anew. Nothing of it is secret, or says who somebody is. */
export interface RetryRecord {
  readonly provider: ProviderId
  readonly organization: string
  readonly purpose: AuthState['purpose']
  readonly startedAt: string
  readonly consent?: { readonly personnummer: boolean }
  /** Of the text that was agreed to. */
  readonly consentVersion?: string
  readonly returnTo?: string
  readonly flow?: LoginFlow
  /** It was for an account of Supabase, whose token is not stored. */
  readonly forSupabase?: true
  /** The provider refused to be asked for the personnummer. */
  readonly withoutPersonnummer?: true
}

export const retryName = 'login_retry_v1'

/** How the newest login ended, for whoever brings the same callback again. */
export interface DoneRecord {
  readonly provider: ProviderId
  /** Of the login, as the server calls it. */
  readonly loginId: string
  /** SHA-256 of the callback, base64url. */
  readonly digest: string
  readonly endedAt: string
  readonly state: AuthState
  /** The session it led to, or added a way in to. */
  readonly sessionId?: string
}

export const doneName = 'login_done_v1'

/** How long a login lives, and after it what came of it. */
export const pendingMilliseconds = 15 * 60_000

/** Whether the same callback may be tried again. The server consumes a login before it uses the code. */
export function isUnanswered(reason: NokkelErrorCode | undefined): boolean {
  return reason === 'network_unreachable' || reason === 'unavailable' || reason === 'rate_limited'
}

export async function readDone(storage: SecureStorage, now: Date): Promise<DoneRecord | undefined> {
  const done = (await storage.get(doneName)) as DoneRecord | undefined
  return done && now.getTime() - Date.parse(done.endedAt) < pendingMilliseconds ? done : undefined
}

/** A login that is to be confirmed by another way in of the same person. */
export interface LinkRecord extends LinkingOffer {
  readonly provider: ProviderId
  readonly organization: string
  /** The token works only with a proof by the signing pair. */
  readonly keys: DeviceKeys
  /** `expiresAt` by the clock of this device, which may be wrong. */
  readonly keptUntil: string
  readonly returnTo?: string
}

export const linkName = 'link_v1'

import type { Tokens } from '@nokkel/contract'
import type { SecureStorage } from '../storage/secure-storage.ts'

export type ProviderId = 'bankid' | 'vipps'

/** Where in storage the key is that the refresh token works with. */
export type BoundKey = 'login_key_v1' | `device_v1.${string}`

/** A session as it lies in storage. */
export interface SessionRecord extends Omit<Tokens, 'refreshToken' | 'unlockedUntil'> {
  /** Absent: {@link lockedRefreshToken} is there. */
  readonly refreshToken?: string
  /** The refresh token, encrypted under a key that only the authenticator of this device gives. */
  readonly lockedRefreshToken?: string
  /** Absent in what was stored before there were biometrics. */
  readonly unlockedUntil?: string | null
  readonly userId: string
  readonly organization: string
  readonly provider: ProviderId
  readonly boundKey: BoundKey
}

export const sessionName = 'session_v1'

/** Keeps the tokens of the one session of this browser. */
export interface AuthTokenStore {
  read(): Promise<SessionRecord | undefined>
  write(record: SessionRecord): Promise<void>
  clear(): Promise<void>
}

export function createAuthTokenStore(storage: SecureStorage): AuthTokenStore {
  return {
    read: async () => (await storage.get(sessionName)) as SessionRecord | undefined,
    write: (record) => storage.put(sessionName, record),
    clear: () => storage.delete(sessionName),
  }
}

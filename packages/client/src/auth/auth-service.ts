import type { Session } from '@nokkel/contract'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { SessionController, SessionState } from '../session/session-controller.ts'
import type { Observable } from '../state/store.ts'
import type { CompletedSignIn, SignInOptions } from './authentication-service.ts'
import type { ProviderLogins } from './provider-logins.ts'

/** The session of this browser. A login under way has a state of its own, in the service of its provider. */
export interface AuthService extends Observable<SessionState> {
  /** `signIn` of the service of a provider. */
  signIn(provider: ProviderId, options?: SignInOptions): Promise<void>
  /**
   * Finishes a login on the page the provider sends the person back to, in the service of the provider that the URL
   * names. Given the same URL again, here or in another tab, it gives the same result.
   *
   * @throws {NokkelError} `login_lost`: nothing was begun here, or it is too old; `login_state_mismatch`: not the login
   * begun here; `network_unreachable`, `unavailable`, `rate_limited`: the same URL may be tried again; any `login_…` problem of the API. The
   * state of the service is `error` then, from which its `retry` goes on.
   */
  completeSignIn(callbackUrl: URL): Promise<CompletedSignIn>
  /**
   * An access token good for at least a minute, for requests of your own. Refreshed when needed, by one tab at a time.
   *
   * @throws {NokkelError} `signed_out`, `locked`, or why the session is over.
   */
  accessToken(): Promise<string>
  /**
   * Ends the session here and, where that can be told in five seconds, on the server, also one that is locked. The device keys
   * stay, for the next login on this device.
   */
  signOut(): Promise<void>
  /** Live sessions of the person, this one marked `current`. */
  sessions(): Promise<Session[]>
  endSession(id: string): Promise<void>
  /** Ends all but this one. Returns how many that were. */
  endOtherSessions(): Promise<number>
  /**
   * Ends every session of the person, this one last.
   *
   * @throws {NokkelError} `network_unreachable`: nothing was ended; this one is not either.
   */
  signOutEverywhere(): Promise<void>
}

/** The session together with the logins that begin it. */
export function createAuthService(controller: SessionController, logins: ProviderLogins): AuthService {
  const { subscribe, getSnapshot, accessToken, signOut, sessions, endSession, endOtherSessions, signOutEverywhere } =
    controller
  return {
    ...{ subscribe, getSnapshot, accessToken, signOut, sessions, endSession, endOtherSessions, signOutEverywhere },
    signIn: (provider, options) => logins[provider].signIn(options),
    completeSignIn: logins.complete,
  }
}

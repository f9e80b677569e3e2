import type { Me, Session, SignedIn } from '@nokkel/contract'
import type { DeviceKeys } from '@nokkel/crypto'
import { type AuthErrorCode, codeOf } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { Request } from '../http/request.ts'
import { loginKeyName } from '../keys/device-record.ts'
import type { ProviderId, SessionRecord } from '../session/auth-token-store.ts'
import { endsDevice, type SessionEnd } from '../session/session-end.ts'
import type { SessionManager } from '../session/session-manager.ts'
import { createStore, type Observable } from '../state/store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { CompletedSignIn, SignInOptions } from './authentication-service.ts'
import type { AuthenticationServices } from './authentication-services.ts'
import type { SessionEntry } from './login-flow.ts'

/** Why the person is logged out although they did not ask for it. */
export type AuthNotice =
  | 'device_superseded'
  | 'device_revoked'
  | 'account_merged'
  | 'account_erased'
  | 'session_expired'
  | 'keys_lost'

export interface SessionState {
  readonly status: 'starting' | 'signed_out' | 'signed_in' | 'error'
  /** Who is logged in, when `signed_in`. */
  readonly me?: Me
  /** Why nobody knows whether somebody is logged in, when `error`. */
  readonly reason?: AuthErrorCode
  /** Why the last session ended, when `signed_out`. */
  readonly notice?: AuthNotice
  /** Why something that was kept of the person could not be deleted here, when `signed_out`. */
  readonly notPurged?: AuthErrorCode
}

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
   * @throws {NokkelError} `signed_out`, or why the session is over.
   */
  accessToken(): Promise<string>
  /** Ends the session here and on the server. The device keys stay, for the next login on this device. */
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

export interface AuthController extends Omit<AuthService, 'signIn' | 'completeSignIn'>, SessionEntry {
  /** Proves the storage and takes up the session in it. */
  start(): Promise<void>
  /** Looks whether another tab has begun or ended a session. */
  follow(): Promise<void>
  /** Gets `me` anew. */
  reload(): Promise<Me>
}

/** The session together with the services that begin it. */
export function createAuthService(controller: AuthController, services: AuthenticationServices): AuthService {
  const { adopt: _, discard: __, look: ___, refresh: ____, ...session } = controller
  return {
    ...session,
    signIn: (provider, options) => services[provider].signIn(options),
    completeSignIn: services.complete,
  }
}

interface AuthDependencies {
  readonly organization: string
  readonly storage: SecureStorage
  readonly session: SessionManager
  readonly request: Request
  readonly call: Call
  readonly onSignedIn: (me: Me) => void
}

export function createSessionController(dependencies: AuthDependencies): AuthController {
  const { organization, storage, session, request, call, onSignedIn } = dependencies
  const store = createStore<SessionState>({ status: 'starting' })
  let knownSession: string | undefined
  let starting: Promise<void> | undefined

  session.onEnd((reason, _, notPurged) => {
    knownSession = undefined
    store.set({ status: 'signed_out', notice: noticeOf(reason), ...(notPurged && { notPurged }) })
  })

  return {
    subscribe: store.subscribe,
    getSnapshot: store.getSnapshot,
    start,
    follow,
    reload,
    adopt,
    discard: ({ tokens }) => endOnServer(tokens).catch(() => {}),
    look,
    refresh,
    accessToken: async () => (await session.usable()).accessToken,
    signOut,
    sessions: async () => (await call('listSessions', {})).sessions,
    async endSession(id) {
      const current = (await session.read())?.sessionId
      await (id === current ? signOut() : call('revokeSession', { params: { id } }))
    },
    endOtherSessions,
    async signOutEverywhere() {
      await endOtherSessions()
      await signOut()
    },
  }

  async function start(): Promise<void> {
    starting = takeUp()
    await starting
  }

  async function look(): Promise<void> {
    await starting
    await (store.getSnapshot().status === 'starting' ? takeUp() : follow().catch(() => {}))
  }

  /** What is known of the person has changed, as by a way in that was added. */
  async function refresh(): Promise<void> {
    await session.purge().catch(() => {})
    if (store.getSnapshot().status === 'signed_in') await reload().catch(() => {})
  }

  async function takeUp(): Promise<void> {
    const before = store.getSnapshot()
    try {
      await storage.open()
      const record = await session.read()
      knownSession = record?.sessionId
      if (!record) {
        await session.purge().catch(() => {})
        return store.set({ status: 'signed_out' })
      }
      if ((await storage.get(record.boundKey)) === undefined) return await session.end('keys_missing', record.sessionId)
      onSignedIn(await reload())
    } catch (error) {
      // A session that turned out to be over has set the state already, with its notice.
      if (store.getSnapshot() !== before) return
      store.set({ status: 'error', reason: codeOf(error) ?? 'answer_unexpected' })
    }
  }

  async function follow(): Promise<void> {
    const { status, me } = store.getSnapshot()
    if (status === 'starting') return
    const record = await session.read()
    if (record?.sessionId === knownSession) return
    // Somebody else logged in: what this page holds of the person before must go first.
    if (me && record && record.userId !== me.id) store.set({ status: 'signed_out' })
    await takeUp()
  }

  async function reload(): Promise<Me> {
    const me = await call('getMe', {})
    store.set({ status: 'signed_in', me })
    return me
  }

  async function adopt({ tokens, userId }: SignedIn, keys: DeviceKeys, provider: ProviderId): Promise<void> {
    await starting
    await endFormerSession()
    const { me } = store.getSnapshot()
    if (me && me.id !== userId) store.set({ status: 'signed_out' })
    await storage.put(loginKeyName, { keys })
    knownSession = tokens.sessionId
    await session.write({ ...tokens, userId, organization, provider, boundKey: loginKeyName })
    await takeUp()
  }

  async function endOtherSessions(): Promise<number> {
    return (await call('revokeOtherSessions', {})).ended
  }

  async function endFormerSession(): Promise<void> {
    const former = await session.held()
    if (former) await endOnServer(former).catch(() => {})
  }

  async function signOut(): Promise<void> {
    const record = await session.read()
    if (record) await endOnServer(await session.usable().catch(() => record)).catch(() => {})
    knownSession = undefined
    const notPurged = await session.clear()
    store.set({ status: 'signed_out', ...(notPurged && { notPurged }) })
  }

  async function endOnServer({ accessToken }: Pick<SessionRecord, 'accessToken'>): Promise<void> {
    await request('signOut', {}, { accessToken, signal: AbortSignal.timeout(5000) })
  }
}

function noticeOf(reason: SessionEnd): AuthNotice {
  if (endsDevice(reason) || reason === 'account_merged') return reason
  return reason === 'keys_missing' ? 'keys_lost' : 'session_expired'
}

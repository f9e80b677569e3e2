import type { Me, Session } from '@nokkel/contract'
import { type AuthErrorCode, codeOf } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { Request } from '../http/request.ts'
import { loginKeyName } from '../keys/device-record.ts'
import type { ProviderId, SessionRecord } from '../session/auth-token-store.ts'
import type { SessionEnd } from '../session/session-end.ts'
import type { SessionManager } from '../session/session-manager.ts'
import { createStore, type Observable } from '../state/store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { startForegroundTimer } from './foreground-timer.ts'
import type { LoginFlow, SignInOptions } from './login-flow.ts'
import { clearPendingLogin } from './pending-login.ts'
import type { UrlLauncher } from './url-launcher.ts'

/** Why the person is logged out although they did not ask for it. */
export type AuthNotice = 'device_superseded' | 'device_revoked' | 'session_expired' | 'keys_lost'

export interface AuthState {
  readonly status: 'starting' | 'signed_out' | 'loading' | 'awaiting_callback' | 'exchanging' | 'signed_in' | 'error'
  /** Who is logged in, when `signed_in`. */
  readonly me?: Me
  /** What went wrong, when `error`. */
  readonly reason?: AuthErrorCode
  /** Why the last session ended, when `signed_out`. */
  readonly notice?: AuthNotice
}

/** Login with BankID or Vipps, and the session it gives. */
export interface AuthService extends Observable<AuthState> {
  /**
   * Leaves for the provider. What the login needs when the person comes back is in storage before that; while a login
   * is under way, further calls do nothing.
   *
   * @throws {NokkelError} `network_unreachable`, `provider_unavailable`, `organization_unknown`, `provider_unreachable`,
   * `login_state_mismatch`, `storage_unavailable`; the state is `error` then, with the same code as `reason`.
   */
  signIn(provider: ProviderId, options?: SignInOptions): Promise<void>
  /**
   * Finishes a login on the page the provider sends the person back to. The pending login is used up, whatever
   * happens; called again with the same URL it gives the same result.
   *
   * @throws {NokkelError} `login_lost`: nothing was begun here; `login_state_mismatch`: not the login begun here; any
   * `login_…` problem of the API. All of them mean: begin again.
   */
  completeSignIn(callbackUrl: URL): Promise<{ returnTo?: string }>
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
}

export interface AuthController extends AuthService {
  /** Proves the storage and takes up the session in it. */
  start(): Promise<void>
  /** Looks whether another tab has begun or ended a session. */
  follow(): Promise<void>
  /** Gets `me` anew. */
  reload(): Promise<Me>
  close(): void
}

interface AuthDependencies {
  readonly organization: string
  readonly storage: SecureStorage
  readonly session: SessionManager
  readonly login: LoginFlow
  readonly request: Request
  readonly call: Call
  readonly urlLauncher: UrlLauncher
  readonly onSignedIn: (me: Me) => void
}

const callbackTimeoutMilliseconds = 30_000

export function createAuthService(dependencies: AuthDependencies): AuthController {
  const { organization, storage, session, login, request, call, urlLauncher, onSignedIn } = dependencies
  const store = createStore<AuthState>({ status: 'starting' })
  let stopTimer = () => {}
  let knownSession: string | undefined
  let starting: Promise<void> | undefined
  let exchange: { query: string; result: Promise<{ returnTo?: string }> } | undefined

  session.onEnd((reason) => {
    knownSession = undefined
    store.set({ status: 'signed_out', notice: noticeOf(reason) })
  })

  return {
    subscribe: store.subscribe,
    getSnapshot: store.getSnapshot,
    start,
    follow,
    reload,
    close: () => stopTimer(),
    signIn,
    completeSignIn(callbackUrl) {
      if (exchange?.query !== callbackUrl.search)
        exchange = { query: callbackUrl.search, result: complete(callbackUrl) }
      return exchange.result
    },
    accessToken: async () => (await session.usable()).accessToken,
    signOut,
    sessions: async () => (await call('listSessions', {})).sessions,
    async endSession(id) {
      const current = (await session.read())?.sessionId
      await (id === current ? signOut() : call('revokeSession', { params: { id } }))
    },
    endOtherSessions: async () => (await call('revokeOtherSessions', {})).ended,
  }

  async function start(): Promise<void> {
    if (exchange) return
    starting = takeUp()
    await starting
  }

  async function takeUp(): Promise<void> {
    const before = store.getSnapshot()
    try {
      await storage.open()
      const record = await session.read()
      knownSession = record?.sessionId
      if (!record) return store.set({ status: 'signed_out' })
      if ((await storage.get(record.boundKey)) === undefined) return await session.end('keys_missing', record.sessionId)
      await enter()
    } catch (error) {
      // A session that turned out to be over has set the state already, with its notice.
      if (store.getSnapshot() !== before) return
      store.set({ status: 'error', reason: codeOf(error) ?? 'answer_unexpected' })
    }
  }

  async function follow(): Promise<void> {
    const { status, me } = store.getSnapshot()
    if (status === 'starting' || status === 'loading' || status === 'exchanging') return
    const record = await session.read()
    if (record?.sessionId === knownSession) return
    stopTimer()
    // Somebody else logged in: what this page holds of the person before must go first.
    if (me && record && record.userId !== me.id) store.set({ status: 'signed_out' })
    await takeUp()
  }

  async function reload(): Promise<Me> {
    const me = await call('getMe', {})
    store.set({ status: 'signed_in', me })
    return me
  }

  async function enter(): Promise<void> {
    onSignedIn(await reload())
  }

  async function signIn(provider: ProviderId, options: SignInOptions = {}): Promise<void> {
    const { status } = store.getSnapshot()
    if (status === 'loading' || status === 'awaiting_callback' || status === 'exchanging') return
    store.set({ status: 'loading' })
    await failing(async () => {
      const url = await login.begin(provider, options)
      store.set({ status: 'awaiting_callback' })
      stopTimer = startForegroundTimer(callbackTimeoutMilliseconds, () => {
        clearPendingLogin(storage, provider).catch(() => {})
        store.set({ status: 'error', reason: 'login_timed_out' })
      })
      await urlLauncher.launch(url)
    }, provider)
  }

  async function complete(callbackUrl: URL): Promise<{ returnTo?: string }> {
    stopTimer()
    await starting
    store.set({ status: 'exchanging' })
    return failing(async () => {
      const { tokens, userId, provider, keys, returnTo } = await login.finish(callbackUrl)
      await endFormerSession()
      await storage.put(loginKeyName, { keys })
      knownSession = tokens.sessionId
      await session.write({ ...tokens, userId, organization, provider, boundKey: loginKeyName })
      await enter()
      return returnTo === undefined ? {} : { returnTo }
    })
  }

  /** Runs a step of a login; what it throws becomes the state. */
  async function failing<T>(step: () => Promise<T>, provider?: ProviderId): Promise<T> {
    try {
      return await step()
    } catch (error) {
      stopTimer()
      if (provider) await clearPendingLogin(storage, provider).catch(() => {})
      store.set({ status: 'error', reason: codeOf(error) ?? 'answer_unexpected' })
      throw error
    }
  }

  async function endFormerSession(): Promise<void> {
    const former = await session.held()
    if (former) await endOnServer(former).catch(() => {})
  }

  async function signOut(): Promise<void> {
    const record = await session.read()
    if (record) await endOnServer(await session.usable().catch(() => record)).catch(() => {})
    knownSession = undefined
    await session.clear()
    store.set({ status: 'signed_out' })
  }

  async function endOnServer({ accessToken }: SessionRecord): Promise<void> {
    await request('signOut', {}, { accessToken, signal: AbortSignal.timeout(5000) })
  }
}

function noticeOf(reason: SessionEnd): AuthNotice {
  if (reason === 'device_superseded' || reason === 'device_revoked') return reason
  return reason === 'keys_missing' ? 'keys_lost' : 'session_expired'
}

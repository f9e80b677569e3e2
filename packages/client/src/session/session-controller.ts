import type { Me, SignedIn } from '@nokkel/contract'
import type { Clock, DeviceKeys } from '@nokkel/crypto'
import type { AuthService } from '../auth/auth-service.ts'
import { enrolledName } from '../biometrics/biometric-names.ts'
import { type AuthErrorCode, codeOf, NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { Request } from '../http/request.ts'
import { loginKeyName } from '../keys/device-record.ts'
import { createStore } from '../state/store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type { ProviderId, SessionRecord } from './auth-token-store.ts'
import { createEnding } from './end-on-server.ts'
import { endsDevice, isExpiry, type SessionEnd } from './session-end.ts'
import { lastProviderName, type SessionManager } from './session-manager.ts'
import { createWatch } from './watch.ts'

/** Why the person is logged out although they did not ask for it. */
export type AuthNotice =
  | 'device_superseded'
  | 'device_revoked'
  | 'account_merged'
  | 'account_erased'
  | 'session_expired'
  | 'keys_lost'

export interface SessionState {
  /** `locked`: there is a session, which `biometrics.unlock` or a login opens; nothing of the person is shown until then. */
  readonly status: 'starting' | 'signed_out' | 'signed_in' | 'locked' | 'error'
  /** Who is logged in, when `signed_in`. */
  readonly me?: Me
  /** Why nobody knows whether somebody is logged in, when `error`; why the last try to unlock failed, when `locked`. */
  readonly reason?: AuthErrorCode
  /** What the session came from, when it has expired or is `locked`: the way to log in that is offered first. */
  readonly lastProvider?: ProviderId
  /** Why the last session ended, when `signed_out`. */
  readonly notice?: AuthNotice
  /** Why something that was kept of the person could not be deleted here, when `signed_out`. */
  readonly notPurged?: AuthErrorCode
}

/** What a login brings besides its tokens. */
export interface Entering {
  readonly keys: DeviceKeys
  readonly provider: ProviderId
  /** Whether nobody wants it any more. */
  readonly isGivenUp: () => boolean
}

/** What a login does to the session. */
export interface SessionEntry {
  /**
   * Makes it the session of this browser, in the place of another one.
   *
   * @throws {NokkelError} `cancelled`: it was given up meanwhile, and is ended.
   */
  adopt(login: SignedIn, entering: Entering): Promise<void>
  /** Ends a session that nobody wants any more. */
  discard(login: SignedIn, keys: DeviceKeys): Promise<void>
  /** Shows who is logged in, as far as that is known. */
  look(): Promise<void>
  /** Gets anew what is known of who is logged in. */
  refresh(): Promise<void>
}

export interface SessionController extends Omit<AuthService, 'signIn' | 'completeSignIn'>, SessionEntry {
  /** Proves the storage and takes up the session in it. */
  start(): Promise<void>
  /** Looks whether another tab has begun or ended a session, locked or unlocked it. */
  follow(): Promise<void>
  /** Another tab has learnt that the person of this session was erased, and is about to delete it. */
  expectErased(sessionId: string): void
  /** Gets `me` anew. @throws {NokkelError} `signed_out`: also when another session came while the answer was on its way. */
  reload(): Promise<Me>
  /** Goes on with a session that was unlocked. */
  resume(): Promise<void>
  /** Shows why it stays locked, or that it is being tried. */
  stayLocked(reason?: AuthErrorCode): void
  close(): void
}

/** docs/spec/biometrics.md */
const unlockedByLoginMilliseconds = 30 * 60_000

interface ControllerDependencies {
  readonly organization: string
  readonly storage: SecureStorage
  readonly session: SessionManager
  readonly request: Request
  readonly call: Call
  readonly onSignedIn: (me: Me) => void
  /** The time as the server has it. */
  readonly now: Clock
}

export function createSessionController(dependencies: ControllerDependencies): SessionController {
  const { organization, storage, session, request, call, onSignedIn, now } = dependencies
  const store = createStore<SessionState>({ status: 'starting' })
  const { endOnServer, discard } = createEnding({ request, session, now })
  let knownSession: string | undefined
  /** Of whom this page may still hold something. */
  let person: string | undefined
  let starting: Promise<void> | undefined
  let resuming: Promise<void> = Promise.resolve()
  let erasedSession: string | undefined

  session.onEnd((reason, { provider }, notPurged) => {
    knownSession = undefined
    person = undefined
    const last = isExpiry(reason) && { lastProvider: provider }
    store.set({ status: 'signed_out', notice: noticeOf(reason), ...last, ...(notPurged && { notPurged }) })
  })
  session.onLock(showLocked)
  const watch = createWatch({ now, look: endWhatIsDue })
  store.subscribe(() => {
    const { status } = store.getSnapshot()
    if (status === 'signed_in' || status === 'locked') watch.start()
    else watch.stop()
  })

  return {
    subscribe: store.subscribe,
    getSnapshot: store.getSnapshot,
    start,
    follow,
    expectErased(sessionId) {
      erasedSession = sessionId
    },
    reload,
    resume,
    stayLocked,
    close: watch.stop,
    adopt,
    discard,
    look,
    refresh,
    async accessToken() {
      const asker = store.getSnapshot().me?.id
      const { accessToken, userId } = await session.usable()
      if (asker !== undefined && asker !== userId) throw new NokkelError('signed_out')
      return accessToken
    },
    signOut: async () => leave(await sessionShown()),
    sessions: async () => (await call('listSessions', {})).sessions,
    async endSession(id) {
      const current = await sessionShown()
      await (id === current?.sessionId ? leave(current) : call('revokeSession', { params: { id } }))
    },
    endOtherSessions: async () => (await call('revokeOtherSessions', {})).ended,
    async signOutEverywhere() {
      const record = await sessionShown()
      await call('revokeOtherSessions', {}, record && { ofSession: record.sessionId })
      await leave(record)
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
    let before = store.getSnapshot()
    let record: SessionRecord | undefined
    let isRead = false
    try {
      await storage.open()
      record = await session.read()
      isRead = true
      if (record) makeWayFor(record.userId)
      before = store.getSnapshot()
      const isErased = knownSession !== undefined && knownSession === erasedSession
      knownSession = record?.sessionId
      const notPurged = await session.tidy()
      if (!record) {
        await session.purge().catch(() => {})
        const lastProvider = (await storage.get(lastProviderName(organization))) as ProviderId | undefined
        const told = { ...(lastProvider && { lastProvider }), ...(notPurged && { notPurged }) }
        // Another tab may have begun one meanwhile.
        if (await session.read()) return await takeUp()
        person = undefined
        // Whoever has ended it meanwhile has said why.
        if (store.getSnapshot() !== before && store.getSnapshot().status === 'signed_out') return
        return store.set({ status: 'signed_out', ...(isErased && { notice: 'account_erased' }), ...told })
      }
      // The order matters: nobody is asked for face or finger for a session that is over, and none is refreshed before that.
      const over = session.isOver(record) ? 'session_expired' : await lostKeyOf(record)
      if (over) {
        await session.end(over, record.sessionId)
        // Another tab may have ended it first, or have put another one in its place.
        return store.getSnapshot() === before ? await takeUp() : undefined
      }
      if (await isDue(record)) return (await session.lock(record)) ? undefined : await takeUp()
      onSignedIn(await showMe())
    } catch (error) {
      const code = codeOf(error)
      // A session that turned out to be over has set the state already, with its notice; a locked one as well.
      if (code === 'locked' || store.getSnapshot() !== before) return
      // It says something of a session that is not there any more.
      const current = await session.read().catch(() => record)
      if (isRead && current?.sessionId !== record?.sessionId) return await takeUp()
      store.set({ status: 'error', reason: code ?? 'answer_unexpected' })
    }
  }

  /** Another tab may have bound it to its device since it was read; then it has not lost the key of its login. */
  async function lostKeyOf({ boundKey }: SessionRecord): Promise<'keys_missing' | undefined> {
    if ((await storage.get(boundKey)) !== undefined) return undefined
    const current = await session.read()
    const isBound = current !== undefined && current.boundKey !== boundKey
    return isBound && (await storage.get(current.boundKey)) !== undefined ? undefined : 'keys_missing'
  }

  /** What the page holds of one person goes before another one is shown. */
  function makeWayFor(userId: string): void {
    const isOther = person !== undefined && person !== userId
    person = userId
    if (!isOther) return
    knownSession = undefined
    if (store.getSnapshot().status !== 'signed_out') store.set({ status: 'signed_out' })
  }

  /** A session that was not refreshed since its device was enrolled says nothing of it yet. */
  async function isDue(record: SessionRecord): Promise<boolean> {
    if (session.isDue(record)) return true
    if (session.isFresh(record) || typeof record.unlockedUntil === 'string') return false
    return (await storage.get(await enrolledName(record.userId))) === true
  }

  /** Nobody may be at the device: nothing is asked of the server for it, and what another tab has moved on goes on. */
  async function endWhatIsDue(): Promise<number | undefined> {
    const record = await session.read()
    const { status, me } = store.getSnapshot()
    if (!record || record.sessionId !== knownSession) {
      // Nobody has told a page that was put aside, or has not yet.
      await follow()
      return undefined
    }
    if (session.isOver(record)) {
      await session.end('session_expired', record.sessionId)
      return undefined
    }
    const expiresAt = Date.parse(record.sessionExpiresAt)
    const lockedAt = me && status === 'signed_in' ? await lockTimeOf(record, me) : undefined
    if (lockedAt === undefined) return expiresAt
    if (lockedAt > now().getTime()) return Math.min(lockedAt, expiresAt)
    return (await session.lock(record)) ? expiresAt : now().getTime()
  }

  /** The server tells it with the next refresh; until then what it goes by is the time of the login. */
  async function lockTimeOf({ unlockedUntil, userId }: SessionRecord, me: Me): Promise<number | undefined> {
    if (typeof unlockedUntil === 'string') return Date.parse(unlockedUntil)
    const isEnrolled = (await storage.get(await enrolledName(userId))) === true
    return isEnrolled ? Date.parse(me.session.authenticatedAt) + unlockedByLoginMilliseconds : undefined
  }

  function showLocked({ provider, sessionId }: SessionRecord): void {
    // It may be another one by now.
    if (knownSession !== undefined && knownSession !== sessionId) return
    if (store.getSnapshot().status !== 'locked') store.set({ status: 'locked', lastProvider: provider })
  }

  /** One after the other: what was unlocked is told more than once, and is taken up by the first that can. */
  function resume(): Promise<void> {
    const resumed = resuming.then(async () => {
      if (store.getSnapshot().status === 'locked') await takeUp()
    })
    resuming = resumed.catch(() => {})
    return resumed
  }

  function stayLocked(reason?: AuthErrorCode): void {
    const { status, lastProvider } = store.getSnapshot()
    if (status !== 'locked') return
    store.set({ status, ...(lastProvider && { lastProvider }), ...(reason && { reason }) })
  }

  /** What takes up a session must not wait for it. */
  async function follow(): Promise<void> {
    await starting
    if (store.getSnapshot().status === 'starting') return
    const record = await session.read()
    if (record?.sessionId !== knownSession) await takeUp()
    else if (record && session.isDue(record)) showLocked(record)
    else if (store.getSnapshot().status === 'locked') await resume()
  }

  async function reload(): Promise<Me> {
    try {
      return await showMe()
    } catch (error) {
      // Nobody, or somebody else, is logged in now, and this page was not told yet.
      if (codeOf(error) === 'signed_out') await follow().catch(() => {})
      throw error
    }
  }

  /** An answer may be on its way for long: it is of use only to the session that is there when it comes. */
  async function showMe(): Promise<Me> {
    const me = await call('getMe', {})
    if ((await session.read())?.sessionId !== me.session.id) throw new NokkelError('signed_out')
    makeWayFor(me.id)
    store.set({ status: 'signed_in', me })
    return me
  }

  async function adopt(login: SignedIn, { keys, provider, isGivenUp }: Entering): Promise<void> {
    const { tokens, userId } = login
    const giveUp = async () => {
      await discard(login, keys)
      throw new NokkelError('cancelled')
    }
    await starting
    if (isGivenUp()) await giveUp()
    const former = await session.held()
    if (former) await endOnServer(former)
    if (isGivenUp()) {
      // That one is over all the same.
      if (former) await session.clear(former.sessionId)
      await follow().catch(() => {})
      await giveUp()
    }
    makeWayFor(userId)
    await session.write({ ...tokens, userId, organization, provider, boundKey: loginKeyName }, { keys })
    await takeUp()
  }

  /** Not that of somebody who has logged in elsewhere, of which this page was not told yet. */
  async function sessionShown(): Promise<SessionRecord | undefined> {
    const record = await session.read()
    return person !== undefined && record?.userId !== person ? undefined : record
  }

  async function leave(record: SessionRecord | undefined): Promise<void> {
    if (record) await endOnServer(record)
    const notPurged = await session.clear(record?.sessionId)
    // Somebody has logged in meanwhile, and stays.
    if (await session.read()) return follow()
    knownSession = undefined
    person = undefined
    store.set({ status: 'signed_out', ...(notPurged && { notPurged }) })
  }
}

function noticeOf(reason: SessionEnd): AuthNotice {
  if (endsDevice(reason) || reason === 'account_merged') return reason
  return reason === 'keys_missing' ? 'keys_lost' : 'session_expired'
}

import type { LinkingOffer, LoginFlow, PersonnummerOutcome, Share, SignedIn } from '@nokkel/contract'
import { type AuthErrorCode, codeOf, NokkelError } from '../errors.ts'
import type { Lock } from '../lock/lock.ts'
import type { OrganizationService } from '../organizations/organization-service.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import { createStore, type Observable } from '../state/store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { type Callback, parseCallback } from './callback.ts'
import { startForegroundTimer } from './foreground-timer.ts'
import { digestOf, type Exchanged, type LoginRequest, type Logins } from './login-flow.ts'
import { type DoneRecord, doneName, type LinkRecord, linkName, type RetryRecord, retryName } from './login-records.ts'
import { clearPendingLogin, type PendingLogin, readPendingLogin } from './pending-login.ts'
import type { UrlLauncher } from './url-launcher.ts'

/**
 * How far a login has come.
 *
 * - `idle`: none is under way
 * - `awaiting_consent`: the person has to say yes or no to what `consent` names; nothing is stored or sent before
 * - `loading`: preparing to leave; buttons are to be off
 * - `awaiting_callback`: the page is being left, or the person is in the app of the provider
 * - `exchanging`: they are back, and the code is being exchanged
 * - `authenticated`: it has succeeded; who is logged in stands in `auth`
 * - `needs_linking`: it looks like the login of somebody who has an account already; see `linking`
 * - `error`: see `reason`, then `retry`
 */
export type AuthStatus =
  | 'idle'
  | 'awaiting_consent'
  | 'loading'
  | 'awaiting_callback'
  | 'exchanging'
  | 'authenticated'
  | 'needs_linking'
  | 'error'

/** What the person is asked to agree to, before anything of theirs is asked for. */
export interface ConsentRequest {
  readonly provider: ProviderId
  /** Of the text that is shown; recorded with the yes. */
  readonly version: string
  /** What the provider tells in any case. */
  readonly shares: readonly Share[]
  /** Whether the personnummer may be asked for as well; the person chooses, and can log in without. */
  readonly personnummer: boolean
}

export interface ConsentAnswer {
  /** Whether to ask for the personnummer. Without effect where it may not be asked for. */
  readonly personnummer: boolean
}

export interface AuthState {
  readonly status: AuthStatus
  /** To log in, or to add a way in to the account of who is logged in. */
  readonly purpose: 'login' | 'link'
  /** When `awaiting_consent`. */
  readonly consent?: ConsentRequest
  /** When `needs_linking`: what the person can log in with to show that the account is theirs, and until when (RFC 3339). */
  readonly linking?: Pick<LinkingOffer, 'ways' | 'expiresAt'>
  /** When `authenticated`: what came of the personnummer in this login. */
  readonly personnummer?: PersonnummerOutcome
  /** When `authenticated` to add a way in. */
  readonly linked?: 'identity_linked' | 'already_linked'
  /** When `authenticated` to log in. */
  readonly outcome?: SignedIn['outcome']
  /** When `authenticated`: where the application goes, as it was given to `signIn`. */
  readonly returnTo?: string
  /** When `error`. */
  readonly reason?: AuthErrorCode
}

export interface SignInOptions {
  /** Where the application goes afterwards. A path of it; anything else is left out. */
  readonly returnTo?: string | undefined
  /** What the person has answered already, to the same question: leaves straight away. */
  readonly consent?: ConsentAnswer | undefined
  /** How to go to the app of the provider and back. Default `browser`. The others must be set up for the organisation. */
  readonly flow?: LoginFlow | undefined
  /** Access token of the Supabase project: the login is to belong to the account it is of. Never stored. */
  readonly supabaseToken?: string | undefined
  /** Saves typing at BankID; handed over without being in a URL. Eleven digits. Never stored. */
  readonly loginHint?: { readonly personnummer: string } | undefined
}

/**
 * Login with one provider, from the first tap to a session. One login at a time, whichever the provider.
 *
 * What a promise here is rejected with is in the state as well (`error`, `reason`), from which {@link retry} goes on.
 *
 * @example
 * ```ts
 * const { vipps } = createNokkel({ organization: 'likeperson' })
 * await vipps.signIn({ returnTo: '/inbox' })
 * const { consent } = vipps.getSnapshot()
 * if (confirm(`Vipps tells us your ${consent?.shares.join(', ')}`)) await vipps.agree({ personnummer: false })
 * else vipps.disagree()
 * ```
 *
 * @see docs/spec/login.md
 */
export interface AuthenticationService extends Observable<AuthState> {
  readonly provider: ProviderId
  /**
   * Begins a login: asks for consent, or with `options.consent` leaves for the provider. In `needs_linking`, and there
   * of the other service too, it shows that the account is the person's. Does nothing while a login is under way.
   *
   * @throws {NokkelError} `provider_unavailable` (`data.available`: what works instead), `organization_unknown`,
   * `provider_flow_unavailable`, `network_unreachable`, `storage_unavailable`, `login_state_mismatch`: the server gave
   * a URL that does not belong to this login or asks for more than the person agreed to.
   * @throws {TypeError} `loginHint` is not eleven digits, or is given to Vipps.
   */
  signIn(options?: SignInOptions): Promise<void>
  /**
   * Begins to add this way in to the account of who is logged in. It has to be finished in the same session.
   *
   * @throws {NokkelError} `signed_out`; `login_too_old`: log in again first; and those of {@link signIn}.
   */
  link(options?: SignInOptions): Promise<void>
  /** The person's yes: leaves for the provider. What the way back needs is stored before. Only in `awaiting_consent`. */
  agree(answer: ConsentAnswer): Promise<void>
  /** The person's no. Nothing was stored. Only in `awaiting_consent`. */
  disagree(): void
  /**
   * Begins anew with all that the failed login was begun with, and a new PKCE pair; asks for consent again where that
   * has changed. Works after the page was left, too. Only in `error` and `idle`.
   */
  retry(): Promise<void>
  /** Gives a login up and clears all that is stored of it, a link that waits for its confirmation as well. */
  cancel(): Promise<void>
  /**
   * Goes on with an account of its own, when the person has no other way in. Only in `needs_linking`.
   *
   * @throws {NokkelError} `link_unknown`: it took too long; log in again.
   */
  continueAsNew(): Promise<void>
}

export interface VippsAuthenticationService extends AuthenticationService {
  readonly provider: 'vipps'
}

export interface BankIdAuthenticationService extends AuthenticationService {
  readonly provider: 'bankid'
}

/** What `completeSignIn` gives. */
export interface CompletedSignIn {
  /** Where the application goes, as it was given to `signIn`. */
  readonly returnTo?: string
  /** Of the service of the provider: `authenticated`, `needs_linking`, or on its way again in the app of the provider. */
  readonly state: Readonly<AuthState>
}

export interface AuthenticationServices {
  readonly vipps: VippsAuthenticationService
  readonly bankid: BankIdAuthenticationService
  complete(callbackUrl: URL): Promise<CompletedSignIn>
  /** Takes up a link that waits for its confirmation. */
  restore(): Promise<void>
  /** Nobody is logged in any more. */
  reset(): void
  /** Something was stored in another tab. */
  follow(name: string): Promise<void>
  close(): void
}

/** What a login does to the session. */
export interface SessionEntry {
  /** Makes it the session of this browser, in the place of another one. */
  adopt(login: SignedIn, keys: LinkRecord['keys'], provider: ProviderId): Promise<void>
  /** Ends a session that nobody wants any more. */
  discard(login: SignedIn): Promise<void>
  /** Shows who is logged in, as far as that is known. */
  look(): Promise<void>
  /** Gets anew what is known of who is logged in. */
  refresh(): Promise<void>
  sessionId(): Promise<string | undefined>
}

interface AuthenticationDependencies {
  readonly organization: string
  readonly storage: SecureStorage
  readonly organizations: OrganizationService
  readonly logins: Logins
  readonly entry: SessionEntry
  readonly urlLauncher: UrlLauncher
  readonly lock: Lock
  readonly now: () => Date
}

/** What a login is begun with; kept for another try. */
interface Plan extends SignInOptions {
  readonly purpose: AuthState['purpose']
  readonly withoutPersonnummer?: boolean
}

/** A login under way in this page. */
interface Attempt {
  readonly cancel: AbortController
  /** `undefined`: it was begun in another page. */
  plan: Plan | undefined
  consent?: ConsentRequest
  pending?: { readonly state: string; readonly loginId: string }
}

const consentVersion = 'v1'
const callbackTimeoutMilliseconds = 30_000
const pendingMilliseconds = 15 * 60_000
const retryMilliseconds = 60 * 60_000
const underWay: readonly AuthStatus[] = ['awaiting_consent', 'loading', 'awaiting_callback', 'exchanging']

export function createAuthenticationServices(dependencies: AuthenticationDependencies): AuthenticationServices {
  const { organization, storage, organizations, logins, entry, urlLauncher, lock, now } = dependencies
  const all = { vipps: createService('vipps'), bankid: createService('bankid') }
  const each = Object.values(all)
  const exchanges = new Map<string, Promise<CompletedSignIn>>()

  return {
    vipps: all.vipps.service as VippsAuthenticationService,
    bankid: all.bankid.service as BankIdAuthenticationService,
    async complete(callbackUrl) {
      const callback = parseCallback(callbackUrl)
      const known = exchanges.get(callbackUrl.href)
      if (known !== undefined) return known
      const result = all[callback.provider].complete(callback)
      exchanges.set(callbackUrl.href, result)
      result.catch((error: unknown) => {
        // Without an answer the code may be as good as new.
        if (codeOf(error) === 'network_unreachable') exchanges.delete(callbackUrl.href)
      })
      return result
    },
    async restore() {
      const link = await logins.link()
      if (link) all[link.provider].offer(link)
      else await storage.delete(linkName)
    },
    reset() {
      for (const { service, set } of each) if (service.getSnapshot().status === 'authenticated') set({ status: 'idle' })
    },
    async follow(name) {
      if (name !== doneName) return
      const done = await readDone()
      if (done) await all[done.provider].follow(done)
    },
    close() {
      for (const { stop } of each) stop()
    },
  }

  function createService(provider: ProviderId) {
    const store = createStore<AuthState>({ status: 'idle', purpose: 'login' })
    let attempt: Attempt | undefined
    let remembered: Plan | undefined
    let stopTimer = () => {}
    /** What was begun before has unwound: nothing of it is written after this. */
    let unwound: Promise<unknown> = Promise.resolve()

    const service: AuthenticationService = {
      provider,
      subscribe: store.subscribe,
      getSnapshot: store.getSnapshot,
      signIn: (options) => begin('login', options),
      link: (options) => begin('link', options),
      async agree(answer) {
        const { status, consent } = store.getSnapshot()
        const current = attempt
        if (status !== 'awaiting_consent' || !consent || !current) return
        set({ status: 'loading' })
        const plan = { ...(current.plan ?? { purpose: 'login' }), consent: answer }
        current.plan = plan
        await run(current, () => leave(current, plan, consent, answer))
      },
      disagree() {
        if (store.getSnapshot().status !== 'awaiting_consent') return
        attempt = undefined
        set({ status: 'idle', purpose: 'login' })
      },
      async retry() {
        const { status, purpose } = store.getSnapshot()
        if (isUnderWay() || (status !== 'error' && status !== 'idle')) return
        const known = remembered
        const current = start(known ?? { purpose })
        await run(current, async () => {
          const plan = known ?? (await storedPlan()) ?? { purpose }
          if (attempt !== current) return
          current.plan = plan
          if (plan.purpose !== purpose) set({ purpose: plan.purpose })
          await ask(current, plan)
        })
      },
      cancel,
      continueAsNew,
    }
    return { service, set, complete, offer, follow, stop }

    /** Only what is named changes; what belongs to one status alone goes with it. */
    function set({ purpose = store.getSnapshot().purpose, ...rest }: Partial<AuthState>): void {
      stopTimer()
      store.set({ status: store.getSnapshot().status, purpose, ...rest })
    }

    function start(plan: Plan): Attempt {
      const current: Attempt = { cancel: new AbortController(), plan }
      attempt = current
      set({ status: 'loading', purpose: plan.purpose })
      for (const other of each) {
        const { status } = other.service.getSnapshot()
        if (other.service !== service && status !== 'needs_linking') other.set({ status: 'idle', purpose: 'login' })
      }
      return current
    }

    async function begin(purpose: Plan['purpose'], options: SignInOptions = {}): Promise<void> {
      const { loginHint } = options
      if (loginHint && (provider !== 'bankid' || !/^\d{11}$/.test(loginHint.personnummer))) {
        throw new TypeError('loginHint must be the eleven digits of a personnummer, for BankID')
      }
      if (isUnderWay()) return
      const plan = { ...options, purpose }
      const current = start(plan)
      await run(current, () => ask(current, plan))
    }

    /** Runs a step of an attempt; what it throws becomes the state, unless the attempt was given up meanwhile. */
    async function run(current: Attempt, step: () => Promise<void>): Promise<void> {
      try {
        await step()
      } catch (error) {
        if (attempt === current) throw fail(error)
      }
    }

    function fail(error: unknown): unknown {
      const named = withReason(error)
      remembered = attempt?.plan ?? remembered
      attempt = undefined
      set({ status: 'error', reason: codeOf(named) ?? 'answer_unexpected' })
      return named
    }

    /** Writes and clears what is stored of a login, one after another. */
    function inTurn<T>(task: () => Promise<T>): Promise<T> {
      const turn = unwound.then(task)
      unwound = turn.catch(() => {})
      return turn
    }

    async function ask(current: Attempt, plan: Plan): Promise<void> {
      const consent = await consentOf(plan)
      if (attempt !== current) return
      if (plan.consent && !plan.withoutPersonnummer) return leave(current, plan, consent, plan.consent)
      set({ status: 'awaiting_consent', consent })
    }

    async function consentOf(plan: Plan): Promise<ConsentRequest> {
      const own = (await organizations.list()).find(({ slug }) => slug === organization)
      if (!own) throw new NokkelError('organization_unknown')
      const available = own.providers.filter((offer) => offer.available)
      const offer = available.find(({ id }) => id === provider)
      if (!offer) throw new NokkelError('provider_unavailable', { data: { available: available.map(({ id }) => id) } })
      const { shares, personnummer } = offer
      return { provider, version: consentVersion, shares, personnummer: personnummer && !plan.withoutPersonnummer }
    }

    async function leave(current: Attempt, plan: Plan, consent: ConsentRequest, answer: ConsentAnswer): Promise<void> {
      const request = requestOf(plan, consent, answer)
      const { url, loginId, state } = await inTurn(async () => {
        current.cancel.signal.throwIfAborted()
        await storage.put(retryName, retryOf(plan, request))
        await storage.delete(doneName)
        return logins.begin(request, current.cancel.signal)
      })
      if (attempt !== current) return
      current.pending = { state, loginId }
      set({ status: 'awaiting_callback' })
      stopTimer = startForegroundTimer(callbackTimeoutMilliseconds, () => giveUp(current, state))
      try {
        await urlLauncher.launch(url)
      } catch (error) {
        await inTurn(() => clearPendingLogin(storage, provider, state))
        throw error
      }
    }

    function requestOf(
      plan: Plan,
      { version, shares, personnummer }: ConsentRequest,
      answer: ConsentAnswer,
    ): LoginRequest {
      const { purpose, flow = 'browser', returnTo, supabaseToken, loginHint } = plan
      const agreed: Share[] = personnummer && answer.personnummer ? [...shares, 'personnummer'] : [...shares]
      return {
        provider,
        purpose,
        consent: { version, shares: agreed },
        flow,
        returnTo: isPath(returnTo) ? returnTo : undefined,
        supabaseToken,
        hint: loginHint?.personnummer,
      }
    }

    function retryOf(plan: Plan, { purpose, flow, returnTo }: LoginRequest): RetryRecord {
      return {
        provider,
        organization,
        purpose,
        flow,
        startedAt: now().toISOString(),
        ...(plan.consent && { consent: plan.consent }),
        ...(returnTo !== undefined && { returnTo }),
        ...(plan.supabaseToken !== undefined && { forSupabase: true }),
      }
    }

    async function storedPlan(): Promise<Plan | undefined> {
      const stored = (await storage.get(retryName)) as RetryRecord | undefined
      if (stored?.provider !== provider || stored.organization !== organization) return undefined
      // Without its token the login would find another account, or make one.
      if (stored.forSupabase) throw new NokkelError('supabase_token_invalid')
      const { purpose, returnTo, flow, consent, withoutPersonnummer } = stored
      const isFresh = now().getTime() - Date.parse(stored.startedAt) < retryMilliseconds
      return {
        purpose,
        returnTo,
        flow,
        ...(isFresh && { consent }),
        ...(withoutPersonnummer && { withoutPersonnummer }),
      }
    }

    /** The person did not come back: what comes later is of a login that is no more. */
    function giveUp(current: Attempt, state: string): void {
      if (attempt !== current) return
      current.cancel.abort()
      inTurn(() => clearPendingLogin(storage, provider, state)).catch(() => {})
      fail(new NokkelError('login_timed_out'))
    }

    async function cancel(): Promise<void> {
      const current = attempt
      attempt = undefined
      remembered = undefined
      current?.cancel.abort()
      if (store.getSnapshot().status !== 'authenticated') set({ status: 'idle', purpose: 'login' })
      for (const other of each) {
        if (other.service.getSnapshot().status === 'needs_linking') other.set({ status: 'idle', purpose: 'login' })
      }
      await inTurn(async () => {
        await clearPendingLogin(storage, provider, current?.pending?.state)
        await storage.delete(retryName)
        await storage.delete(linkName)
        if ((await readDone())?.state.status !== 'authenticated') await storage.delete(doneName)
      })
    }

    async function complete(callback: Callback): Promise<CompletedSignIn> {
      const current: Attempt = { cancel: new AbortController(), plan: attempt?.plan }
      attempt = current
      set({ status: 'exchanging' })
      try {
        return await lock.run('login', () => exchange(current, callback))
      } catch (error) {
        if (attempt !== current) throw new NokkelError('cancelled', { cause: error })
        throw fail(error)
      } finally {
        // Also a login that failed shows who is logged in; before it was begun, nobody had looked.
        await entry.look()
      }
    }

    async function exchange(current: Attempt, callback: Callback): Promise<CompletedSignIn> {
      const digest = await digestOf(callback)
      const done = await readDone()
      if (done?.digest === digest) return repeat(current, done)
      const pending = await readPendingLogin(storage, provider)
      if (callback.resumeUri !== undefined) return resume(current, callback, pending)
      const purpose = pending?.login.linkSessionId === undefined ? 'login' : 'link'
      if (pending) set({ status: 'exchanging', purpose })
      const loginId = pending?.login.id
      const isLate = pending && now().getTime() - Date.parse(pending.login.startedAt) >= pendingMilliseconds
      if (!pending || loginId === undefined || isLate) {
        await clearPendingLogin(storage, provider)
        throw new NokkelError('login_lost')
      }
      const record = (state: AuthState, sessionId?: string) => {
        const ended = { provider, loginId, digest, endedAt: now().toISOString(), state }
        return storage.put(doneName, { ...ended, ...(sessionId !== undefined && { sessionId }) } satisfies DoneRecord)
      }
      let exchanged: Exchanged
      try {
        checkCallback(callback, pending)
        exchanged = await logins.exchange(callback, pending)
      } catch (error) {
        // No answer: the same callback may be tried again, and the server will not use a code twice.
        if (codeOf(error) !== 'network_unreachable') await refused(current, error, purpose, record)
        throw error
      }
      const { state, sessionId } = await conclude(current, exchanged, pending)
      await record(state, sessionId)
      await clearPendingLogin(storage, provider, pending.state)
      return finish(current, state)
    }

    function checkCallback({ organization: of, redirectUri, state }: Callback, pending: PendingLogin): void {
      const fits =
        state === pending.state &&
        of === organization &&
        of === pending.login.organization &&
        logins.redirectUris(provider).includes(redirectUri)
      if (!fits) throw new NokkelError('login_state_mismatch')
    }

    async function refused(
      current: Attempt,
      error: unknown,
      purpose: Plan['purpose'],
      record: (state: AuthState) => Promise<void>,
    ): Promise<void> {
      await clearPendingLogin(storage, provider)
      const reason = codeOf(withReason(error)) ?? 'answer_unexpected'
      if (reason === 'login_scope_refused') {
        if (current.plan) current.plan = { ...current.plan, withoutPersonnummer: true }
        const stored = (await storage.get(retryName)) as RetryRecord | undefined
        if (stored) await storage.put(retryName, { ...stored, withoutPersonnummer: true } satisfies RetryRecord)
      }
      if (reason === 'link_unknown') await forgetLink()
      await record({ status: 'error', purpose, reason })
    }

    async function conclude(
      current: Attempt,
      exchanged: Exchanged,
      pending: PendingLogin,
    ): Promise<{ state: AuthState; sessionId?: string }> {
      const returnTo = pending.login.returnTo ?? (pending.login.confirms && (await logins.link())?.returnTo)
      const back = returnTo ? { returnTo } : {}
      if (exchanged.purpose === 'link') {
        const { answer, sessionId } = exchanged
        const { outcome: linked, personnummer } = answer
        await storage.delete(retryName)
        await entry.refresh()
        return { state: { status: 'authenticated', purpose: 'link', linked, personnummer, ...back }, sessionId }
      }
      const { answer, keys } = exchanged
      if (answer.outcome === 'needs_linking') {
        if (attempt !== current) throw new NokkelError('cancelled')
        const { ways, expiresAt } = answer.linking
        await logins.keep({ ...answer.linking, provider, organization, keys, ...back })
        return { state: { status: 'needs_linking', purpose: 'login', linking: { ways, expiresAt } } }
      }
      if (attempt !== current) {
        await entry.discard(answer)
        throw new NokkelError('cancelled')
      }
      return { state: await enter(answer, keys, back), sessionId: answer.tokens.sessionId }
    }

    async function enter(answer: SignedIn, keys: LinkRecord['keys'], back: { returnTo?: string }): Promise<AuthState> {
      await entry.adopt(answer, keys, provider)
      await storage.delete(retryName)
      await forgetLink()
      const { outcome, personnummer } = answer
      return { status: 'authenticated', purpose: 'login', outcome, personnummer, ...back }
    }

    async function forgetLink(): Promise<void> {
      await storage.delete(linkName)
      for (const other of each) {
        if (other.service.getSnapshot().status === 'needs_linking') other.set({ status: 'idle', purpose: 'login' })
      }
    }

    async function finish(current: Attempt, state: AuthState): Promise<CompletedSignIn> {
      if (attempt === current) {
        attempt = undefined
        remembered = undefined
        show(state, state.linking && (await logins.link())?.keptUntil)
      }
      return { state, ...(state.returnTo !== undefined && { returnTo: state.returnTo }) }
    }

    /** The same callback once more, here or in another tab: what came of it is still so, or it is lost. */
    async function repeat(current: Attempt, { state, sessionId }: DoneRecord): Promise<CompletedSignIn> {
      if (state.status === 'error') {
        if (state.purpose !== store.getSnapshot().purpose) set({ purpose: state.purpose })
        throw new NokkelError(state.reason ?? 'login_lost')
      }
      const holds =
        state.status === 'needs_linking'
          ? (await logins.link()) !== undefined
          : sessionId !== undefined && sessionId === (await entry.sessionId())
      if (!holds) throw new NokkelError('login_lost')
      return finish(current, state)
    }

    /** The app of the provider opened ours, and the login goes on in the browser it was begun in. */
    async function resume(
      current: Attempt,
      { state, resumeUri = '' }: Callback,
      pending: PendingLogin | undefined,
    ): Promise<CompletedSignIn> {
      if (!pending) throw new NokkelError('login_lost')
      const url = URL.canParse(resumeUri) ? new URL(resumeUri) : undefined
      if (state !== pending.state || !url || url.origin !== pending.login.providerOrigin) {
        await clearPendingLogin(storage, provider)
        throw new NokkelError('login_state_mismatch')
      }
      current.pending = { state, loginId: pending.login.id ?? '' }
      set({ status: 'awaiting_callback' })
      stopTimer = startForegroundTimer(callbackTimeoutMilliseconds, () => giveUp(current, state))
      await urlLauncher.launch(url)
      return { state: store.getSnapshot() }
    }

    async function continueAsNew(): Promise<void> {
      if (store.getSnapshot().status !== 'needs_linking' || isUnderWay()) return
      const current: Attempt = { cancel: new AbortController(), plan: { purpose: 'login' } }
      attempt = current
      set({ status: 'exchanging' })
      await run(current, async () => {
        const link = await logins.link()
        if (!link) {
          await storage.delete(linkName)
          throw new NokkelError('link_unknown')
        }
        const answer = await logins.continueWith(link).catch(async (error: unknown) => {
          if (codeOf(error) === 'link_unknown') await storage.delete(linkName)
          throw error
        })
        const { returnTo } = link
        const state = await enter(answer, link.keys, returnTo === undefined ? {} : { returnTo })
        await finish(current, state)
      })
      await entry.look()
    }

    function offer({ ways, expiresAt, keptUntil }: LinkRecord): void {
      if (store.getSnapshot().status !== 'idle') return
      show({ status: 'needs_linking', purpose: 'login', linking: { ways, expiresAt } }, keptUntil)
    }

    function show(state: AuthState, until?: string): void {
      set(state)
      if (until === undefined) return
      const timer = setTimeout(() => {
        storage.delete(linkName).catch(() => {})
        set({ status: 'error', reason: 'link_unknown' })
      }, Date.parse(until) - now().getTime())
      // In Node it is no reason to stay.
      if (typeof timer === 'object') (timer as { unref(): void }).unref()
      stopTimer = () => clearTimeout(timer)
    }

    /** Another tab has finished the login that was begun here. */
    async function follow({ loginId, state }: DoneRecord): Promise<void> {
      if (store.getSnapshot().status !== 'awaiting_callback' || attempt?.pending?.loginId !== loginId) return
      remembered = attempt.plan
      attempt = undefined
      show(state, state.linking && (await logins.link())?.keptUntil)
    }

    function stop(): void {
      stopTimer()
      attempt?.cancel.abort()
    }
  }

  function isUnderWay(): boolean {
    return each.some(({ service }) => underWay.includes(service.getSnapshot().status))
  }

  async function readDone(): Promise<DoneRecord | undefined> {
    const done = (await storage.get(doneName)) as DoneRecord | undefined
    return done && now().getTime() - Date.parse(done.endedAt) < pendingMilliseconds ? done : undefined
  }
}

/** What the provider refused to be asked for is a case of its own: there is something that a person can do about it. */
function withReason(error: unknown): unknown {
  const isScope =
    error instanceof NokkelError && error.code === 'login_refused' && error.data?.error === 'invalid_scope'
  return isScope ? new NokkelError('login_scope_refused', { cause: error }) : error
}

function isPath(text = ''): boolean {
  const base = 'https://app.invalid'
  return text.startsWith('/') && URL.canParse(text, base) && new URL(text, base).origin === base
}

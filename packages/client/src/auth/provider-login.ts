import { type AuthErrorCode, codeOf, NokkelError } from '../errors.ts'
import type { Lock } from '../lock/lock.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import type { SessionEntry } from '../session/session-controller.ts'
import { createStore } from '../state/store.ts'
import type {
  AuthenticationService,
  AuthState,
  AuthStatus,
  CompletedSignIn,
  ConsentAnswer,
  ConsentRequest,
  SignInOptions,
} from './authentication-service.ts'
import type { Callback } from './callback.ts'
import { startForegroundTimer } from './foreground-timer.ts'
import { createPlanning, type Plan, type PlanningDependencies } from './login-plan.ts'
import { type DoneRecord, doneName, type LinkRecord, linkName, readDone, retryName } from './login-records.ts'
import type { Departure, LoginSteps } from './login-steps.ts'
import type { PendingLogins } from './pending-login.ts'
import type { UrlLauncher } from './url-launcher.ts'

/** The login of one provider, and what the page around it tells it. */
export interface ProviderLogin {
  readonly service: AuthenticationService
  complete(callback: Callback): Promise<CompletedSignIn>
  /** A link of the page before, or one that was not confirmed. */
  offer(link: LinkRecord, reason?: AuthErrorCode): void
  /** Another tab has finished a login. */
  follow(done: DoneRecord): Promise<void>
  /** What is over: goes back to `idle` from these. With `error`, also why a link was not confirmed. */
  end(...statuses: readonly AuthStatus[]): void
  close(): void
}

export interface ProviderLoginDependencies extends PlanningDependencies {
  readonly pendingLogins: PendingLogins
  readonly steps: LoginSteps
  readonly entry: SessionEntry
  readonly urlLauncher: UrlLauncher
  readonly lock: Lock
  readonly others: () => readonly ProviderLogin[]
}

/** A login under way in this page. What is not the present one any more changes nothing. */
interface Attempt {
  readonly givenUp: AbortController
  /** `undefined`: it was begun in another page. */
  plan: Plan | undefined
  /** Of the login that was left for, or has come back. */
  state?: string | undefined
  departure?: Departure
}

const callbackTimeoutMilliseconds = 30_000
const underWay: readonly AuthStatus[] = ['awaiting_consent', 'loading', 'awaiting_callback', 'exchanging']

export function createProviderLogin(provider: ProviderId, dependencies: ProviderLoginDependencies): ProviderLogin {
  const { storage, pendingLogins, steps, entry, urlLauncher, lock, now, others } = dependencies
  const { consentOf, requestOf, retryOf, storedPlan } = createPlanning(provider, dependencies)
  const store = createStore<AuthState>({ status: 'idle', purpose: 'login' })
  let attempt: Attempt | undefined
  /** Callbacks that wait or are exchanged: not every one of them is of the login under way. */
  const arrived = new Set<Attempt>()
  let remembered: Plan | undefined
  let stopTimer = () => {}
  let written: Promise<unknown> = Promise.resolve()

  const service: AuthenticationService = {
    provider,
    subscribe: store.subscribe,
    getSnapshot: store.getSnapshot,
    signIn: (options) => begin('login', options),
    link: (options) => begin('link', options),
    agree,
    disagree() {
      if (store.getSnapshot().status !== 'awaiting_consent') return
      attempt = undefined
      set({ status: 'idle', purpose: 'login' })
    },
    retry,
    cancel,
    continueAsNew,
  }
  const self = { service, complete, offer, follow, end, close }
  return self

  async function begin(purpose: Plan['purpose'], options: SignInOptions = {}): Promise<void> {
    const { loginHint } = options
    if (loginHint && (provider !== 'bankid' || !/^\d{11}$/.test(loginHint.personnummer))) {
      throw new TypeError('loginHint must be the eleven digits of a personnummer, for BankID')
    }
    if (isUnderWay()) return
    const plan = { ...options, purpose }
    const current = start('loading', plan)
    await run(current, () => ask(current, plan))
  }

  async function agree(answer: ConsentAnswer): Promise<void> {
    const { status, consent, purpose } = store.getSnapshot()
    const current = attempt
    if (status !== 'awaiting_consent' || !consent || !current) return
    set({ status: 'loading' })
    const plan = { purpose, ...current.plan, consent: answer }
    current.plan = plan
    await run(current, () => leave(current, plan, consent, answer))
  }

  async function retry(): Promise<void> {
    const { status, purpose } = store.getSnapshot()
    if (isUnderWay() || (status !== 'error' && status !== 'idle')) return
    const known = remembered
    const current = start('loading', known ?? { purpose })
    await run(current, async () => {
      const plan = known ?? (await storedPlan()) ?? { purpose }
      if (attempt !== current) return
      current.plan = plan
      if (plan.purpose !== store.getSnapshot().purpose) set({ status: 'loading', purpose: plan.purpose })
      await ask(current, plan)
    })
  }

  async function cancel(): Promise<void> {
    const current = attempt
    attempt = undefined
    remembered = undefined
    if (current?.departure) urlLauncher.cancel?.()
    const givenUp = [...(current ? [current] : []), ...arrived]
    for (const one of givenUp) one.givenUp.abort()
    const states = new Set(givenUp.flatMap(({ state }) => state ?? []))
    if (store.getSnapshot().status !== 'authenticated') set({ status: 'idle', purpose: 'login' })
    for (const other of others()) other.end('needs_linking')
    await inTurn(async () => {
      // What is not stored yet is cleared by whoever was about to.
      if (!current) await pendingLogins.clear(provider)
      for (const state of states) await pendingLogins.clear(provider, state)
      await storage.delete(retryName)
      await storage.delete(linkName)
      if ((await readDone(storage, now()))?.state.status !== 'authenticated') await storage.delete(doneName)
    })
  }

  async function continueAsNew(): Promise<void> {
    if (store.getSnapshot().status !== 'needs_linking' || isUnderWay()) return
    const current = start('exchanging')
    await run(current, async () => {
      const isGivenUp = () => attempt !== current
      const state = await lock.run('login', async () => {
        const link = await steps.link()
        if (!link) throw new NokkelError('link_unknown')
        return steps.continueWith(link, isGivenUp)
      })
      await conclude(current, state)
    })
  }

  async function complete(callback: Callback): Promise<CompletedSignIn> {
    const { state } = callback
    const current: Attempt = { givenUp: new AbortController(), plan: undefined, state }
    const isAwaited = attempt?.state === state && store.getSnapshot().status === 'awaiting_callback'
    // Anybody can make a callback: beside a login under way it is nothing until its own is found.
    if (!attempt || isAwaited) takeUp()
    let isConfirming = false
    const finishing = {
      provider,
      isGivenUp: () => current.givenUp.signal.aborted,
      found(of: Plan['purpose'], confirms: boolean) {
        if (current.givenUp.signal.aborted) return
        isConfirming = confirms
        takeUp(of)
      },
      told(of: Plan['purpose']) {
        if (attempt === current) takeUp(of)
      },
    }
    arrived.add(current)
    try {
      const result = await lock.run('login', () => steps.finish(callback, finishing))
      if ('url' in result) {
        await depart(current, result)
        return { state: store.getSnapshot() }
      }
      await conclude(current, result)
      return { state: result, ...(result.returnTo !== undefined && { returnTo: result.returnTo }) }
    } catch (error) {
      if (current.givenUp.signal.aborted) throw new NokkelError('cancelled', { cause: error })
      if (attempt !== current) throw error
      fail(error)
      const waiting = isConfirming ? await steps.link() : undefined
      if (waiting) for (const one of [self, ...others()]) one.offer(waiting, codeOf(error))
      throw error
    } finally {
      arrived.delete(current)
      // Also a login that failed shows who is logged in; before it was begun, nobody had looked.
      await entry.look()
    }

    function takeUp(purpose = store.getSnapshot().purpose): void {
      if (attempt === current && store.getSnapshot().purpose === purpose) return
      if (attempt?.state === state) current.plan ??= attempt?.plan
      attempt = current
      set({ status: 'exchanging', purpose })
    }
  }

  /** Only what is named stays: what belongs to one status goes with it. */
  function set(state: Omit<AuthState, 'purpose'> & Partial<AuthState>): void {
    stopTimer()
    store.set({ purpose: store.getSnapshot().purpose, ...state })
  }

  function start(status: 'loading' | 'exchanging', plan?: Plan): Attempt {
    const current: Attempt = { givenUp: new AbortController(), plan }
    attempt = current
    set({ status, purpose: plan?.purpose ?? 'login' })
    for (const other of others()) other.end('error', 'authenticated')
    return current
  }

  /** Runs a step; what it throws becomes the state, unless the login was given up meanwhile. */
  async function run(current: Attempt, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      if (attempt === current) throw fail(error)
    }
  }

  function fail(error: unknown): unknown {
    const reason = codeOf(error) ?? 'answer_unexpected'
    remembered = attempt?.plan ?? remembered
    if (remembered && reason === 'login_scope_refused') remembered = { ...remembered, withoutPersonnummer: true }
    attempt = undefined
    set({ status: 'error', reason })
    if (reason === 'link_unknown') for (const other of others()) other.end('needs_linking')
    return error
  }

  /** Writes and clears what is stored of a login, one after another. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = written.then(task)
    written = turn.catch(() => {})
    return turn
  }

  async function ask(current: Attempt, plan: Plan): Promise<void> {
    steps.prepare()
    const consent = await consentOf(plan)
    if (attempt !== current) return
    if (plan.consent && !plan.withoutPersonnummer) return leave(current, plan, consent, plan.consent)
    set({ status: 'awaiting_consent', consent })
  }

  async function leave(current: Attempt, plan: Plan, consent: ConsentRequest, answer: ConsentAnswer): Promise<void> {
    const request = requestOf(plan, consent, answer)
    const departure = await inTurn(async () => {
      current.givenUp.signal.throwIfAborted()
      await storage.put(retryName, retryOf(plan, request))
      await storage.delete(doneName)
      return steps.begin(request, current.givenUp.signal)
    })
    await depart(current, departure)
  }

  async function depart(current: Attempt, departure: Departure): Promise<void> {
    if (attempt !== current) return
    const { url, state } = departure
    current.departure = departure
    current.state = state
    const clear = () => inTurn(() => pendingLogins.clear(provider, state))
    set({ status: 'awaiting_callback' })
    stopTimer = startForegroundTimer(callbackTimeoutMilliseconds, () => {
      // What comes later is of a login that is no more.
      urlLauncher.cancel?.()
      clear().catch(() => {})
      fail(new NokkelError('login_timed_out'))
    })
    try {
      await urlLauncher.launch(url)
    } catch (error) {
      await clear()
      throw error
    }
  }

  async function conclude(current: Attempt, state: AuthState): Promise<void> {
    if (attempt !== current) return
    attempt = undefined
    remembered = undefined
    if (state.status === 'authenticated') for (const other of others()) other.end('needs_linking')
    await show(state)
  }

  async function show(state: AuthState): Promise<void> {
    const link = state.linking && (await steps.link())
    if (link) showLink(link)
    else set(state)
  }

  function offer(link: LinkRecord, reason?: AuthErrorCode): void {
    if (link.provider === provider && (store.getSnapshot().status === 'idle' || reason)) showLink(link, reason)
  }

  function showLink({ ways, expiresAt, keptUntil }: LinkRecord, reason?: AuthErrorCode): void {
    set({ status: 'needs_linking', purpose: 'login', linking: { ways, expiresAt }, ...(reason && { reason }) })
    const timer = setTimeout(() => {
      // There may be a newer one, of another tab.
      steps.link().catch(() => {})
      set({ status: 'error', reason: 'link_unknown' })
    }, Date.parse(keptUntil) - now().getTime())
    // In Node it is no reason to stay.
    if (typeof timer === 'object') (timer as { unref(): void }).unref()
    stopTimer = () => clearTimeout(timer)
  }

  async function follow({ loginId, state }: DoneRecord): Promise<void> {
    if (attempt?.departure?.loginId !== loginId || store.getSnapshot().status !== 'awaiting_callback') return
    remembered = attempt.plan
    attempt = undefined
    await show(state)
  }

  function end(...statuses: readonly AuthStatus[]): void {
    const { reason: _, ...state } = store.getSnapshot()
    if (statuses.includes(state.status)) set({ status: 'idle', purpose: 'login' })
    else if (statuses.includes('error')) store.set(state)
  }

  function close(): void {
    stopTimer()
    // What is being exchanged is the person's session already.
    if (store.getSnapshot().status === 'exchanging') return
    attempt?.givenUp.abort()
    attempt = undefined
  }

  function isUnderWay(): boolean {
    return [service, ...others().map((other) => other.service)].some(({ getSnapshot }) => {
      return underWay.includes(getSnapshot().status)
    })
  }
}

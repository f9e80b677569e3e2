import type { BiometricEnrollment } from '@nokkel/contract'
import type { NokkelErrorCode } from '../errors.ts'
import { lazily } from '../lazily.ts'
import { withinSession } from '../session/within-session.ts'
import { createStore, type Observable } from '../state/store.ts'
import type { BiometricDependencies } from './biometric-operations.ts'

/**
 * - `notEnrolled`: this device asks for no face, finger or PIN
 * - `enrolled`: it does, at the latest thirty minutes after it was last used
 * - `declined`: the person said no in this session, or on this device in the last thirty days
 * - `enrollmentError`: it could not be turned on, see `error`; this device is as if not enrolled
 */
export type BiometricEnrollmentState = 'notEnrolled' | 'enrolled' | 'declined' | 'enrollmentError'

/** That a person wants this device to be opened by face, finger or PIN. */
export interface BiometricEnrollmentRecord {
  readonly userId: string
  /** RFC 3339. */
  readonly enrolledAt: string
  readonly deviceId: string
}

/** What this device can do. */
export interface BiometricCapability {
  readonly isAvailable: boolean
}

export interface BiometricState {
  /** `unknown`: nobody is logged in, or nobody has asked yet; `unavailable`: this device, or this page, has no biometrics. */
  readonly status: 'unknown' | 'unavailable' | BiometricEnrollmentState
  /** What was turned on, when that was in this page. */
  readonly record?: BiometricEnrollmentRecord
  /** When `enrollmentError`. At `login_too_old` a new login helps. */
  readonly error?: NokkelErrorCode
}

/** What the navigation goes on at. */
export type BiometricEvent =
  | { readonly type: 'BiometricEnrollmentComplete'; readonly record: BiometricEnrollmentRecord }
  | { readonly type: 'BiometricEnrollmentDeclined'; readonly userId: string }

export interface EnrollOptions {
  /** Enrols again, so that the next unlocking makes a new credential: for one that was lost. Default: false. */
  readonly renew?: boolean
}

/**
 * Opens the session of this device by face, finger or PIN. Enrolling only records that the person wants it; they are asked for
 * it when the session is next locked, and the credential is made then. It shows nothing: when to ask is up to the
 * application, which goes on at {@link BiometricAuthService.onEvent}.
 *
 * @example
 * ```ts
 * const { auth, biometrics } = createNokkel({ organization: 'likeperson' })
 * const { me, status } = auth.getSnapshot()
 * if (status === 'locked') await biometrics.unlock()
 * else if (me && (await biometrics.shouldPrompt(me.id))) {
 *   if (confirm('Open with face or finger next time?')) await biometrics.enrollBiometrics(me.id)
 *   else await biometrics.declineEnrollment(me.id)
 * }
 * ```
 *
 * @see docs/spec/biometrics.md
 */
export interface BiometricAuthService extends Observable<BiometricState> {
  /** Asks nobody anything. Not on a page without a domain or TLS, nor after the server has refused pages of this origin. */
  capability(): Promise<BiometricCapability>
  /** Looks what is so for who is logged in, and makes it the state. */
  refresh(): Promise<Readonly<BiometricState>>
  /**
   * Whether to ask the person now: after a login of the last five minutes, where there are biometrics, this device is not
   * enrolled for them and they have not said no, see `declined`. `false` as well when that cannot be found out. Writes nothing.
   */
  shouldPrompt(userId: string): Promise<boolean>
  /**
   * Enrols this device, under a login of the last five minutes. Resolves with the new state, which is `enrolled` or
   * `enrollmentError`; when it is enrolled already, at once and without a request. The refresh token stays where it is.
   *
   * `error` is `signed_out`: there is no session of this person in the storage, and of somebody else's the state stays as it is;
   * `session_expired`, `locked`: it does not go on as it is; `login_too_old`; `device_required`: this device has no keys;
   * `biometrics_unavailable`; `storage_full`, `storage_private_mode`, `storage_unavailable`: it could not be recorded here, and is
   * not recorded at the server either; `network_unreachable`, or another problem of the API.
   */
  enrollBiometrics(userId: string, options?: EnrollOptions): Promise<Readonly<BiometricState>>
  /** The person does not want it now. They are not asked again in this session, nor for thirty days on this device. */
  declineEnrollment(userId: string): Promise<void>
  /** Whether this device is enrolled for this person, as far as its storage says. @throws {NokkelError} `storage_…` */
  isBiometricEnrolled(userId: string): Promise<boolean>
  /** What the server has of this device: when, and whether there is a credential; `null`: not enrolled. */
  enrollment(): Promise<BiometricEnrollment | null>
  /**
   * Ends it, for who is logged in.
   *
   * @throws {NokkelError} `login_too_old`: needs a login, or an unlocking, of the last five minutes.
   */
  removeBiometrics(): Promise<void>
  /**
   * Asks for face, finger or PIN, and goes on with the session. Only when `auth` is `locked`. While it waits, calling it again
   * is the same; when another tab is unlocked meanwhile the question goes away.
   *
   * @throws {NokkelError} `credential_unknown`: the credential was not made in this browser, perhaps by somebody who has copied it: log in,
   * and enrol again. `biometrics_cancelled`, `biometrics_unavailable`, `unlock_failed`, `network_unreachable`: the session stays locked, with
   * this `reason`, and it may be tried again; a login unlocks as well, always. Also why the session is over.
   */
  unlock(): Promise<void>
  /** Tells what the person chose. Returns what ends that. */
  onEvent(listener: (event: BiometricEvent) => void): () => void
}

export interface BiometricController extends BiometricAuthService {
  /** Forgets who was logged in. */
  reset(): void
  /** Has this device forget what it made for somebody who was erased. */
  forgetCredentials(userId: string): Promise<void>
  /** Something was stored in another tab. */
  follow(name: string): Promise<void>
}

export function createBiometricAuthService(
  dependencies: Omit<BiometricDependencies, 'set' | 'emit'>,
): BiometricController {
  const store = createStore<BiometricState>({ status: 'unknown' })
  const listeners = new Set<(event: BiometricEvent) => void>()
  const emit = (event: BiometricEvent) => {
    for (const listener of [...listeners]) listener(event)
  }
  const load = lazily(async () => {
    const { createBiometricOperations } = await import('./biometric-operations.ts')
    return createBiometricOperations({ ...dependencies, set: store.set, emit })
  })
  return {
    subscribe: store.subscribe,
    getSnapshot: store.getSnapshot,
    capability: async () => (await load()).capability(),
    refresh: async () => (await load()).refresh(),
    shouldPrompt: async (userId) => (await load()).shouldPrompt(userId),
    enrollBiometrics: async (userId, options) => (await load()).enrollBiometrics(userId, options),
    declineEnrollment: async (userId) => (await load()).declineEnrollment(userId),
    isBiometricEnrolled: async (userId) => (await load()).isBiometricEnrolled(userId),
    enrollment: async () => (await load()).enrollment(),
    removeBiometrics: async () => (await withinSession(dependencies.session, load)()).removeBiometrics(),
    unlock: async () => (await load()).unlock(),
    onEvent(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    reset() {
      if (store.getSnapshot().status !== 'unknown') store.set({ status: 'unknown' })
    },
    forgetCredentials: async (userId) => (await load()).forgetCredentials(userId),
    async follow(name) {
      if (name.startsWith('biometric_') && store.getSnapshot().status !== 'unknown') await (await load()).refresh()
    },
  }
}

import type { BiometricEnrollment } from '@nokkel/contract'
import type { Clock } from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { Request } from '../http/request.ts'
import { deviceName, type StoredKeys } from '../keys/device-record.ts'
import type { KeyManagementService } from '../keys/key-management-service.ts'
import type { Lock } from '../lock/lock.ts'
import type { SessionRecord } from '../session/auth-token-store.ts'
import { derivePrfSalt, deriveVaultKey } from '../session/open-vault.ts'
import type { SessionController } from '../session/session-controller.ts'
import { isSessionEnd } from '../session/session-end.ts'
import type { SessionManager } from '../session/session-manager.ts'
import type { Vault } from '../session/vault.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import type {
  BiometricAuthService,
  BiometricEnrollmentRecord,
  BiometricEvent,
  BiometricState,
  EnrollOptions,
} from './biometric-auth-service.ts'
import type { BiometricAuthenticator, CeremonyResult } from './biometric-authenticator.ts'
import { declinedName, enrolledName } from './biometric-names.ts'
import { createMadeCredentials } from './made-credentials.ts'

export interface BiometricDependencies {
  readonly authenticator: BiometricAuthenticator
  readonly storage: SecureStorage
  readonly session: SessionManager
  readonly vault: Vault
  readonly controller: SessionController
  readonly keys: Pick<KeyManagementService, 'settled'>
  readonly request: Request
  readonly call: Call
  readonly lock: Lock
  readonly now: Clock
  readonly set: (state: BiometricState) => void
  readonly emit: (event: BiometricEvent) => void
}

export type BiometricOperations = Omit<BiometricAuthService, 'subscribe' | 'getSnapshot' | 'onEvent'> & {
  /** Of somebody who was erased. */
  forgetCredentials(userId: string): Promise<void>
}

const freshMilliseconds = 5 * 60_000
/** For so long a no holds on this device. */
const declinedMilliseconds = 30 * 24 * 60 * 60_000

/** What is stored of a no. */
interface Declined {
  readonly sessionId: string
  /** RFC 3339. */
  readonly declinedAt: string
}

export function createBiometricOperations(dependencies: BiometricDependencies): BiometricOperations {
  const { authenticator, storage, session, vault, controller, keys, request, call, lock, now, set, emit } = dependencies
  const made = createMadeCredentials(storage, lock, authenticator)
  /** Sessions in which it was declined here, for a storage that could not take it. */
  const declined = new Set<string>()
  let unlocking: Promise<void> | undefined
  /** The server has said that pages of this origin cannot use biometrics. */
  let isRefused = false

  return {
    capability: async () => ({ isAvailable: await isAvailable() }),
    refresh,
    shouldPrompt: (userId) => shouldPrompt(userId).catch(() => false),
    enrollBiometrics,
    declineEnrollment,
    isBiometricEnrolled,
    enrollment: async () => (await call('getBiometricEnrollment', {})).enrollment,
    removeBiometrics,
    forgetCredentials: made.forget,
    unlock() {
      unlocking ??= unlock().finally(() => {
        unlocking = undefined
      })
      return unlocking
    },
  }

  async function isAvailable(): Promise<boolean> {
    return !isRefused && isPageOfDomain() && authenticator.isAvailable()
  }

  async function isBiometricEnrolled(userId: string): Promise<boolean> {
    return (await storage.get(await enrolledName(userId))) === true
  }

  async function isDeclined(userId: string, { sessionId }: SessionRecord): Promise<boolean> {
    if (declined.has(sessionId)) return true
    const stored = (await storage.get(await declinedName(userId))) as Declined | undefined
    if (!stored) return false
    return stored.sessionId === sessionId || now().getTime() - Date.parse(stored.declinedAt) < declinedMilliseconds
  }

  async function sessionOf(userId: string): Promise<SessionRecord> {
    const record = await session.read()
    const isThere = (record?.refreshToken ?? record?.lockedRefreshToken) !== undefined
    if (record?.userId !== userId || !isThere) throw new NokkelError('signed_out')
    return record
  }

  async function usableSessionOf(userId: string): Promise<void> {
    const record = await sessionOf(userId)
    if (session.isOver(record)) throw new NokkelError('session_expired')
    if (session.isDue(record)) throw new NokkelError('locked')
  }

  async function refresh(): Promise<BiometricState> {
    const record = await session.read()
    const state = record ? await stateOf(record) : ({ status: 'unknown' } as const)
    return (await session.read())?.sessionId === record?.sessionId ? show(state) : refresh()
  }

  async function stateOf(record: SessionRecord): Promise<BiometricState> {
    // The flag may be lost; what the server said at the last refresh holds as well.
    const isKnown = typeof record.unlockedUntil === 'string'
    if (isKnown || (await isBiometricEnrolled(record.userId))) return { status: 'enrolled' }
    if (!(await isAvailable())) return { status: 'unavailable' }
    return { status: (await isDeclined(record.userId, record)) ? 'declined' : 'notEnrolled' }
  }

  function show(state: BiometricState): BiometricState {
    set(state)
    return state
  }

  async function shouldPrompt(userId: string): Promise<boolean> {
    const { me } = controller.getSnapshot()
    if (me?.id !== userId || now().getTime() - Date.parse(me.session.authenticatedAt) > freshMilliseconds) return false
    return (await stateOf(await sessionOf(userId))).status === 'notEnrolled'
  }

  async function enrollBiometrics(userId: string, { renew = false }: EnrollOptions = {}): Promise<BiometricState> {
    return lock.run('biometrics', async () => {
      try {
        await usableSessionOf(userId)
        if (!renew && (await isBiometricEnrolled(userId))) return show({ status: 'enrolled' })
        const record = await enroll(userId)
        const state = show({ status: 'enrolled', record })
        emit({ type: 'BiometricEnrollmentComplete', record })
        return state
      } catch (error) {
        const state = { status: 'enrollmentError', error: codeOf(error) ?? 'answer_unexpected' } as const
        const record = await session.read().catch(() => undefined)
        // What is shown is of somebody else.
        return record && record.userId !== userId ? state : show(state)
      }
    })
  }

  async function enroll(userId: string): Promise<BiometricEnrollmentRecord> {
    const { sessionId } = await sessionOf(userId)
    if (!(await isAvailable())) throw new NokkelError('biometrics_unavailable')
    const { status, error } = await keys.settled()
    if (status === 'login_needed') throw new NokkelError('login_too_old')
    if (status !== 'ready') throw new NokkelError(error ?? 'device_required')
    // What the vault has is under a secret of the credential that is given up now.
    const before = await sessionOf(userId)
    await checkOpens(before)
    const enrollment = await ask(sessionId)
    try {
      if ((await sessionOf(userId)).sessionId !== sessionId) throw new NokkelError('signed_out')
      if (before.lockedRefreshToken !== undefined) await session.change(sessionId, outOfVault)
      // It was enrolled anew: what was made before is of no use.
      if (enrollment.credential === null) await made.forget(userId)
      await storage.put(await enrolledName(userId), true)
    } catch (cause) {
      await call('removeBiometrics', {}, { ofSession: sessionId }).catch(() => {})
      await storage.delete(await enrolledName(userId)).catch(() => {})
      throw cause
    }
    return { userId, enrolledAt: enrollment.enrolledAt, deviceId: enrollment.deviceId }
  }

  /** When nobody knows what the server has made of it, it is to have nothing. */
  async function ask(ofSession: string): Promise<BiometricEnrollment> {
    try {
      return await call('enrollBiometrics', {}, { ofSession })
    } catch (error) {
      isRefused = codeOf(error) === 'biometrics_unavailable'
      if (codeOf(error) === 'network_unreachable' || codeOf(error) === 'answer_unexpected') {
        await call('removeBiometrics', {}, { ofSession }).catch(() => {})
      }
      throw error
    }
  }

  /** With the refresh token in the clear. Only within `change`: it is another one after each refresh. */
  async function outOfVault(record: SessionRecord): Promise<SessionRecord> {
    if (record.lockedRefreshToken === undefined) return record
    return session.withRefreshToken(record, await session.refreshTokenOf(record), false)
  }

  async function checkOpens(record: SessionRecord): Promise<void> {
    if (record.lockedRefreshToken === undefined) return
    try {
      await session.refreshTokenOf(record)
    } catch (error) {
      // The tab that had the key is gone: it takes an unlocking to go on.
      if (codeOf(error) === 'locked') await session.lock(record)
      throw error
    }
  }

  async function declineEnrollment(userId: string): Promise<void> {
    const { sessionId } = await sessionOf(userId)
    declined.add(sessionId)
    const said: Declined = { sessionId, declinedAt: now().toISOString() }
    const isStored = storage.put(await declinedName(userId), said)
    await isStored.catch(() => {})
    show({ status: 'declined' })
    emit({ type: 'BiometricEnrollmentDeclined', userId })
  }

  async function removeBiometrics(): Promise<void> {
    await lock.run('biometrics', async () => {
      const record = await session.read()
      if (!record) throw new NokkelError('signed_out')
      const { sessionId } = record
      await checkOpens(record)
      await call('removeBiometrics', {}, { ofSession: sessionId }).catch((error: unknown) => {
        // The answer was lost, and it was asked again.
        if (codeOf(error) !== 'biometrics_not_enrolled') throw error
      })
      await storage.delete(await enrolledName(record.userId))
      await made.forget(record.userId)
      await session.change(sessionId, async (current) => ({ ...(await outOfVault(current)), unlockedUntil: null }))
      vault.forget()
      show({ status: (await isAvailable()) ? 'notEnrolled' : 'unavailable' })
    })
  }

  async function unlock(): Promise<void> {
    if (controller.getSnapshot().status !== 'locked') return
    const record = await session.read()
    if (!record) return controller.follow()
    controller.stayLocked()
    const end = new AbortController()
    const unsubscribe = controller.subscribe(() => {
      if (controller.getSnapshot().status !== 'locked') end.abort()
    })
    try {
      await open(record, end.signal)
      await controller.resume()
      // What the vault has is under a secret that this authenticator does not give any more: only a login helps.
      if (controller.getSnapshot().status === 'locked') throw new NokkelError('unlock_failed')
    } catch (error) {
      const code = codeOf(error) ?? 'answer_unexpected'
      // Another tab has answered, and the question was taken back here, or is of no use any more.
      const isTakenBack = end.signal.aborted && (code === 'biometrics_cancelled' || code === 'cancelled')
      if (isTakenBack || controller.getSnapshot().status === 'signed_in') return
      if (isSessionEnd(code)) await session.end(code, record.sessionId)
      controller.stayLocked(code)
      throw error
    } finally {
      unsubscribe()
    }
  }

  async function open(record: SessionRecord, signal: AbortSignal): Promise<void> {
    const { sessionId, userId } = record
    const stored = (await storage.get(deviceName(userId))) as StoredKeys | undefined
    if (!stored) {
      await session.end('keys_missing', sessionId)
      throw new NokkelError('keys_missing')
    }
    const proof = { dpopSigner: stored.keys.signing }
    const challenge = await request('createUnlockChallenge', { body: { sessionId } }, { ...proof, signal }).catch(
      async (error: unknown) => {
        // The credential is of another host: after a login the person is asked again.
        if (codeOf(error) === 'biometrics_unavailable') await storage.delete(await enrolledName(userId)).catch(() => {})
        if (codeOf(error) !== 'biometrics_not_enrolled') throw error
        await forgetEnrollment(record)
        return undefined
      },
    )
    if (!challenge) return
    if (challenge.kind === 'get' && !(await made.has(userId, challenge.options))) {
      // After a login the person is asked again.
      await storage.delete(await enrolledName(userId)).catch(() => {})
      throw new NokkelError('credential_unknown')
    }
    const ceremony = { prfSalt: await derivePrfSalt(userId), signal }
    const { credential, prf } = await authenticator[challenge.kind](challenge.options, ceremony)
    if (challenge.kind === 'create') {
      const { id: rpId } = challenge.options.rp as { readonly id: string }
      await made.add(userId, { id: credential.id, rpId })
    }
    const { unlockedUntil } = await request('unlockSession', { body: { sessionId, credential } }, proof)
    await storage.put(await enrolledName(userId), true).catch(() => {})
    await keep(record, unlockedUntil, prf)
  }

  async function keep(record: SessionRecord, unlockedUntil: string, prf: CeremonyResult['prf']): Promise<void> {
    const { sessionId } = record
    if (prf) {
      const opened = await vault.open()
      opened.hold(sessionId, await deriveVaultKey(prf))
    }
    await session.change(sessionId, async (current) => {
      const unlocked = { ...current, unlockedUntil }
      const isPlain = current.refreshToken !== undefined
      return prf && isPlain ? session.withRefreshToken(unlocked, await session.refreshTokenOf(current), true) : unlocked
    })
    // What was cached in the clear until now is fetched anew, into the vault.
    if (prf && record.lockedRefreshToken === undefined) await session.purge().catch(() => {})
  }

  /** The server does not want it of this device any more, and lets the session go on without. */
  async function forgetEnrollment({ sessionId, userId }: SessionRecord): Promise<void> {
    await storage.delete(await enrolledName(userId))
    await session.change(sessionId, (current) => ({ ...current, unlockedUntil: null }))
  }
}

/** WebAuthn is for domains over TLS, and for localhost; elsewhere the server refuses as well (docs/spec/biometrics.md). */
function isPageOfDomain(): boolean {
  const { location } = globalThis as { readonly location?: Pick<Location, 'protocol' | 'hostname'> }
  if (!location) return true
  const { protocol, hostname } = location
  if (/^[\d.]+$|^\[/.test(hostname)) return false
  return protocol === 'https:' || (protocol === 'http:' && /^(?:.+\.)?localhost$/.test(hostname))
}

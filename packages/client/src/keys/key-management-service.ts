import type { Me } from '@nokkel/contract'
import type { Clock } from '@nokkel/crypto'
import type { SignInOptions } from '../auth/authentication-service.ts'
import { credentialName, enrolledName } from '../biometrics/biometric-names.ts'
import { codeOf, NokkelError, type NokkelErrorCode } from '../errors.ts'
import type { Call } from '../http/api.ts'
import { lazily } from '../lazily.ts'
import type { Lock } from '../lock/lock.ts'
import type { ProviderId, SessionRecord } from '../session/auth-token-store.ts'
import { endsDevice } from '../session/session-end.ts'
import type { SessionManager } from '../session/session-manager.ts'
import { createStore, type Observable } from '../state/store.ts'
import type { SecureStorage } from '../storage/secure-storage.ts'
import { type DeviceRecord, deviceName, loginKeyName, readDevice, type StoredKeys } from './device-record.ts'

/** Another device of the person, as the dialog about replacing it names it. */
export interface OtherDevice {
  readonly name: string
  /** RFC 3339. */
  readonly registeredAt: string
}

/** This device, when its keys are ready. */
export interface OwnDevice {
  readonly id: string
  readonly userId: string
  /** RFC 3339. */
  readonly registeredAt: string
  readonly encryptionThumbprint: string
  readonly signingThumbprint: string
}

export interface KeysState {
  /**
   * - `none`: nobody is logged in, or the person chose to leave the other device as it is
   * - `generating`, `registering`: under way, nothing to do
   * - `ready`: assignments can be opened and sent on this device
   * - `confirm_replace`: another device is active; see `others`
   * - `login_needed`: keys are registered only shortly after a login; log in again
   * - `superseded`: another device took over, or this one was removed; its keys are deleted
   * - `lost`: this device had keys, and they are no longer in its storage
   * - `error`: see `error`, then `retry`
   */
  readonly status:
    | 'none'
    | 'generating'
    | 'registering'
    | 'ready'
    | 'confirm_replace'
    | 'login_needed'
    | 'superseded'
    | 'lost'
    | 'error'
  readonly device?: OwnDevice
  readonly others?: readonly OtherDevice[]
  readonly error?: NokkelErrorCode
}

/**
 * Makes and registers the keys of this device after a login, unasked. Never over keys that are there already.
 *
 * @example
 * ```ts
 * const { keys } = createNokkel({ organization: 'likeperson' })
 * const { status, others } = await keys.settled()
 * if (status === 'confirm_replace' && confirm(`End ${others?.[0]?.name}?`)) await keys.confirmReplace()
 * ```
 */
export interface KeyManagementService extends Observable<KeysState> {
  /** Ends the other device and registers this one. Only in `confirm_replace`. */
  confirmReplace(): Promise<void>
  /** Leaves the other device as it is; this one stays without keys until the next start. Only in `confirm_replace`. */
  declineReplace(): void
  /** Begins a new login, after which this device gets new keys. Only in `lost`, `superseded` and `login_needed`. */
  reprovision(provider?: ProviderId, options?: SignInOptions): Promise<void>
  /** Tries again after `error`. */
  retry(): Promise<void>
  /** Resolves with the state when nothing is under way any more. */
  settled(): Promise<Readonly<KeysState>>
}

export interface KeyManagement extends KeyManagementService {
  run(me: Me): Promise<void>
  reset(): void
  /** The keys of this device. @throws {NokkelError} `keys_missing` */
  own(): Promise<OwnKeys>
}

export interface OwnKeys extends DeviceRecord {
  readonly userId: string
}

interface KeyManagementDependencies {
  readonly deviceName: string
  readonly storage: SecureStorage
  readonly session: SessionManager
  readonly call: Call
  readonly lock: Lock
  readonly now: Clock
  readonly reload: () => Promise<Me>
  readonly signIn: (provider: ProviderId, options?: SignInOptions) => Promise<void>
}

export function createKeyManagementService(dependencies: KeyManagementDependencies): KeyManagement {
  const { deviceName: name, storage, session, call, lock, now, reload, signIn } = dependencies
  const store = createStore<KeysState>({ status: 'none' })
  const registration = lazily(() => import('./registration.ts'))
  let lastProvider: ProviderId | undefined
  /** The session that the state is of. */
  let askedIn: string | undefined
  let running: Promise<void> = Promise.resolve()

  session.onEnd((reason, record) => {
    lastProvider = record.provider
    const ended = endsDevice(reason) && reason !== 'account_erased'
    store.set({ status: ended ? 'superseded' : reason === 'keys_missing' ? 'lost' : 'none' })
  })

  return {
    subscribe: store.subscribe,
    getSnapshot: store.getSnapshot,
    run: (me) => begin(() => ensure(me)),
    reset: () => store.set({ status: 'none' }),
    own,
    confirmReplace: () =>
      begin(async () => {
        if (store.getSnapshot().status !== 'confirm_replace') return
        await register(await session.usable({ ofSession: askedIn }), true)
      }),
    declineReplace() {
      if (store.getSnapshot().status === 'confirm_replace') store.set({ status: 'none' })
    },
    async reprovision(provider = lastProvider, options) {
      if (!provider) throw new TypeError('provider must be given when no login is remembered')
      await signIn(provider, options)
    },
    retry: () => begin(async () => ensure(await reload())),
    async settled() {
      await running
      return store.getSnapshot()
    },
  }

  /** Runs a step; what it throws becomes the state, as no caller waits for it. */
  function begin(step: () => Promise<void>): Promise<void> {
    running = lock.run('keys', step).catch((error: unknown) => {
      const code = codeOf(error) ?? 'answer_unexpected'
      const { status } = store.getSnapshot()
      const ended = status === 'superseded' || status === 'lost'
      if (code === 'signed_out' || code === 'locked' || ended) return
      if (code === 'login_too_old') store.set({ status: 'login_needed' })
      else if (code === 'device_exists') store.set({ status: 'confirm_replace', others: othersOf(error) })
      else store.set({ status: 'error', error: code })
    })
    return running
  }

  async function ensure(me: Me): Promise<void> {
    const record = await session.usable()
    if (record.userId !== me.id) return
    lastProvider = record.provider
    askedIn = record.sessionId
    const device = await readDevice(storage, me.id)
    if (device && record.boundKey === deviceName(me.id)) return ready(device, me.id)
    if (me.session.deviceId !== null) return takeBack(record, device, me.session.deviceId)
    if (device && (await resume(record, device))) return
    await register(record, false)
  }

  /** The server has a device for this session that this device does not know of: an answer was lost on its way. */
  async function takeBack(record: SessionRecord, device: DeviceRecord | undefined, deviceId: string): Promise<void> {
    const known = device?.deviceId === deviceId ? device : undefined
    const login = (await storage.get(loginKeyName)) as StoredKeys | undefined
    const adopted = known ?? (login && (await (await registration()).adoptDevice(call, record, login.keys)))
    if (adopted) await keep(record, adopted)
    else await session.end('keys_missing', record.sessionId)
  }

  async function resume(record: SessionRecord, device: DeviceRecord): Promise<boolean> {
    store.set({ status: 'registering' })
    const { keys } = await loginKeys(record)
    const { resumeDevice } = await registration()
    try {
      await resumeDevice({ call, session: record, keys, device, now })
      await keep(record, device)
      return true
    } catch (error) {
      const code = codeOf(error)
      if (code === 'device_superseded' || code === 'device_revoked') await storage.delete(deviceName(record.userId))
      else if (code !== 'not_found') throw error
      return false
    }
  }

  async function register(record: SessionRecord, replaces: boolean): Promise<void> {
    store.set({ status: 'generating' })
    const { keys } = await loginKeys(record)
    store.set({ status: 'registering' })
    const { registerDevice } = await registration()
    const { record: device } = await registerDevice({ call, session: record, keys, now, name, replaces })
    // That was said of the device before.
    for (const name of [enrolledName, credentialName]) await storage.delete(await name(record.userId))
    await keep(record, device)
  }

  async function keep({ userId, sessionId }: SessionRecord, device: DeviceRecord): Promise<void> {
    await storage.put(deviceName(userId), device)
    await session.bindTo(sessionId, deviceName(userId))
    // Firefox asks the person, who may never answer.
    void storage.persist?.().catch(() => false)
    ready(device, userId)
    await reload()
  }

  function ready(device: DeviceRecord, userId: string): void {
    const { deviceId: id, keys: _, ...rest } = device
    store.set({ status: 'ready', device: { id, userId, ...rest } })
  }

  async function loginKeys(record: SessionRecord): Promise<StoredKeys> {
    const stored = (await storage.get(loginKeyName)) as StoredKeys | undefined
    if (stored) return stored
    await session.end('keys_missing', record.sessionId)
    throw new NokkelError('keys_missing')
  }

  async function own(): Promise<OwnKeys> {
    const record = await session.read()
    if (!record) throw new NokkelError('signed_out')
    const device = await readDevice(storage, record.userId)
    if (!device || record.boundKey !== deviceName(record.userId)) throw new NokkelError('keys_missing')
    return { ...device, userId: record.userId }
  }
}

function othersOf(error: unknown): readonly OtherDevice[] {
  const devices = error instanceof NokkelError ? error.data?.devices : undefined
  return Array.isArray(devices) ? (devices as OtherDevice[]) : []
}

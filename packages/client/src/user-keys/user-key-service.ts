import type { Me } from '@nokkel/contract'
import type { ContentKey } from '@nokkel/crypto'
import { codeOf, type NokkelErrorCode } from '../errors.ts'
import { lazily } from '../lazily.ts'
import { createStore, type Observable } from '../state/store.ts'
import type { MovedWraps, Regeneration, RegenerationOptions, Revocation } from './key-owner.ts'
import type { ManagedKeyView } from './managed-key.ts'
import type { UserKeyDependencies, UserKeyOperations } from './user-key-operations.ts'
import { whenIdle } from './when-idle.ts'

export interface UserKeyState {
  /**
   * - `idle`: nobody is logged in, or it is not known yet whether there is a key
   * - `making`: under way, nothing to do
   * - `ready`: see `key`
   * - `failed`: see `error`, then `retry`
   */
  readonly status: 'idle' | 'making' | 'ready' | 'failed'
  readonly key?: ManagedKeyView
  readonly error?: NokkelErrorCode
}

export interface UnwrapRequest {
  readonly rfxId: string
  /** Of the key of the RFX. */
  readonly version: number
  /** Which wrap: the one to the person, or the one to a company they are in. */
  readonly via: 'user' | 'company'
}

/**
 * The managed key of the person: the one RFX keys are wrapped to. Unlike the keys of a device it follows the person, and the
 * server could open it. The first one is made after a login, unasked; none is ever replaced unasked.
 *
 * @example
 * ```ts
 * const { userKeys } = createNokkel({ organization: 'likeperson' })
 * const { key } = await userKeys.settled()
 * if (key) console.log(`Compare by telephone: ${key.fingerprint}`)
 * ```
 */
export interface UserKeyService extends Observable<UserKeyState> {
  /** All keys the person has had, newest first. */
  list(): Promise<ManagedKeyView[]>
  /**
   * Opens a private key of one's own, to unwrap with. It cannot be exported and lies in memory only, until the session is
   * over.
   *
   * @param id - Default: the active key.
   * @throws {NokkelError} `open_refused`: there is no such key, or it was marked as compromised.
   */
  privateKey(id?: string): Promise<CryptoKey>
  /**
   * The key of an RFX that the person may read now, unwrapped by the server.
   *
   * @returns 32 bytes.
   * @throws {NokkelError} `open_refused`, whatever the reason.
   */
  unwrap(request: UnwrapRequest): Promise<ContentKey>
  /**
   * Makes a new key and moves what is wrapped to the old one. What does not open is in `failed`: it stays with the old key,
   * which stays too. An old key that nothing is wrapped to any more is destroyed.
   *
   * @throws {NokkelError} `key_exists`: another device has just made one. `cancelled`.
   */
  regenerate(options?: RegenerationOptions): Promise<Regeneration>
  /** Goes on with moving after an interruption: there is work left while an old key has `wraps`. */
  moveWraps(options?: RegenerationOptions): Promise<MovedWraps>
  /** Marks a key, and every RFX key version it could open, as compromised; then there is a new key, as with `regenerate`. */
  markCompromised(id: string, options?: RegenerationOptions): Promise<Revocation>
  /** Tries again after `failed`. */
  retry(): Promise<void>
  /** Resolves with the state when nothing is under way any more. */
  settled(): Promise<Readonly<UserKeyState>>
}

export interface UserKeyController extends UserKeyService {
  /** Sees to it that the person has a key, once `after` is done. */
  run(me: Me, after: Promise<void>): void
  /** Forgets the person, and with them every private key in memory. */
  reset(): void
}

export function createUserKeyService(dependencies: UserKeyDependencies): UserKeyController {
  const store = createStore<UserKeyState>({ status: 'idle' })
  let person = nobody()
  let running: Promise<void> = Promise.resolve()

  function nobody() {
    const load = () => import('./user-key-operations.ts')
    return {
      userId: undefined as string | undefined,
      end: new AbortController(),
      operations: lazily(async () => (await load()).createUserKeyOperations(dependencies)),
    }
  }

  return {
    subscribe: store.subscribe,
    getSnapshot: store.getSnapshot,
    list: async () => (await person.operations()).list(),
    privateKey: async (id) => (await person.operations()).privateKey(id),
    unwrap: async (request) => (await person.operations()).unwrap(request),
    regenerate: (options) => renewing((operations) => operations.regenerate(options)),
    moveWraps: async (options) => (await person.operations()).moveWraps(options),
    markCompromised: (id, options) => renewing((operations) => operations.markCompromised(id, options)),
    run(me, after) {
      if (person.userId !== me.id) reset()
      person.userId = me.id
      void begin(me.id, after)
    },
    reset,
    async retry() {
      if (store.getSnapshot().status === 'failed' && person.userId !== undefined) await begin(person.userId)
    },
    async settled() {
      await running
      return store.getSnapshot()
    },
  }

  function reset(): void {
    person.end.abort()
    person = nobody()
    store.set({ status: 'idle' })
  }

  function begin(userId: string, after?: Promise<void>): Promise<void> {
    const { end, operations } = person
    const set = (state: UserKeyState) => {
      if (!end.signal.aborted) store.set(state)
    }
    const ensure = async () => {
      await after
      await whenIdle()
      if (end.signal.aborted) return
      const onMaking = () => set({ status: 'making' })
      set({ status: 'ready', key: await (await operations()).ensure(userId, { signal: end.signal, onMaking }) })
    }
    running = ensure().catch((error: unknown) => set({ status: 'failed', error: codeOf(error) ?? 'answer_unexpected' }))
    return running
  }

  /** Follows what gives a new key. */
  async function renewing<T extends Regeneration>(renew: (operations: UserKeyOperations) => Promise<T>): Promise<T> {
    const { end, userId, operations } = person
    try {
      const result = await renew(await operations())
      if (!end.signal.aborted) store.set({ status: 'ready', key: result.key })
      return result
    } catch (error) {
      // The new key may be there although not everything was moved to it.
      if (!end.signal.aborted && userId !== undefined) void begin(userId)
      throw error
    }
  }
}

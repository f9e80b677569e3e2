import { type ContentKey, decodeBase64, encodeBase64 } from '@nokkel/crypto'
import { codeOf, NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import type { KeyGenerator } from '../keys/key-generator.ts'
import type { Lock } from '../lock/lock.ts'
import type { SessionManager } from '../session/session-manager.ts'
import type { KeyOwner } from './key-owner.ts'
import * as life from './key-owner.ts'
import { activeOf, type ManagedKeyView, viewOfKey } from './managed-key.ts'
import { createPrivateKeys } from './private-keys.ts'
import type { UnwrapRequest, UserKeyService } from './user-key-service.ts'

/** What is only fetched once somebody is logged in. It holds private keys in memory and is dropped with them. */
export interface UserKeyOperations
  extends Pick<UserKeyService, 'list' | 'privateKey' | 'unwrap' | 'regenerate' | 'moveWraps' | 'markCompromised'> {
  /** The active key of the person, made now if there is none. */
  ensure(userId: string, options: EnsureOptions): Promise<ManagedKeyView>
}

interface EnsureOptions {
  readonly signal: AbortSignal
  readonly onMaking: () => void
}

export interface UserKeyDependencies {
  readonly call: Call
  readonly session: SessionManager
  readonly keyGenerator: KeyGenerator
  readonly lock: Lock
}

export function createUserKeyOperations(dependencies: UserKeyDependencies): UserKeyOperations {
  const { call, session, keyGenerator, lock } = dependencies
  const privateKeys = createPrivateKeys(call)
  const list = async () =>
    (await call('listUserKeys', {})).keys.map(({ encryptedPrivateKey: _, ...key }) => viewOfKey(key))

  const owner: KeyOwner = {
    list,
    // Two tabs of one person make one key after the other, not two at a time.
    make: (options) => lock.run('user_key', () => make(options)),
    rewrap: (id, cursor, signal) =>
      call('rewrapUserKey', { params: { id }, body: cursor === undefined ? {} : { cursor } }, { signal }),
    revoke: (id) => call('revokeUserKey', { params: { id } }).finally(() => privateKeys.forget(id)),
    destroy: (id) => call('destroyUserKey', { params: { id } }).finally(() => privateKeys.forget(id)),
  }

  return {
    list,
    ensure,
    unwrap,
    privateKey: privateKeys.get,
    regenerate: (options) => life.regenerate(owner, options),
    moveWraps: (options) => life.moveWraps(owner, options),
    markCompromised: (id, options) => life.revoke(owner, id, options),
  }

  async function ensure(userId: string, { signal, onMaking }: EnsureOptions): Promise<ManagedKeyView> {
    return lock.run('user_key', async () => {
      const existing = activeOf(await list())
      if (existing) return existing
      onMaking()
      await make({ userId, signal }).catch((error: unknown) => {
        // Another device was faster.
        if (codeOf(error) !== 'key_exists') throw error
      })
      const made = activeOf(await list())
      if (!made) throw new NokkelError('answer_unexpected')
      return made
    })
  }

  interface MakeOptions {
    readonly userId?: string
    readonly replaces?: string | undefined
    readonly signal?: AbortSignal | undefined
  }

  /** Makes the key here, where its private half is seen by nobody before the server wraps it; else the server makes it. */
  async function make({ userId, replaces, signal }: MakeOptions): Promise<void> {
    const person = userId ?? (await session.usable()).userId
    const replaced = replaces === undefined ? {} : { replaces }
    const text = await generate(signal)
    // Whose key it becomes is decided by the session: it must still be that of the person it was made for.
    const current = await session.usable()
    if (current.userId !== person) throw new NokkelError('signed_out')
    const options = { signal, ofSession: current.sessionId }
    if (text === undefined) await call('generateUserKeys', { body: replaced }, options)
    else await call('cryptoService', { body: { action: 'encrypt', text, ...replaced } }, options)
  }

  async function generate(signal: AbortSignal | undefined): Promise<string | undefined> {
    try {
      const bytes = await keyGenerator.generatePrivateKey({ signal })
      const text = encodeBase64(bytes)
      bytes.fill(0)
      return text
    } catch (error) {
      if (codeOf(error) !== 'key_generation_failed') throw error
      return undefined
    }
  }

  async function unwrap({ rfxId, version, via }: UnwrapRequest): Promise<ContentKey> {
    const answer = await call('cryptoService', { body: { action: 'unwrap', rfxId, version, via } })
    if (!('key' in answer)) throw new NokkelError('answer_unexpected')
    return decodeBase64(answer.key) as ContentKey
  }
}

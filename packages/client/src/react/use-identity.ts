import type { UserIdentity } from '@nokkel/contract'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { codeOf, type NokkelErrorCode } from '../errors.ts'
import type { UserIdentityRepository } from '../identity/identity-repository.ts'
import { useNokkel } from './nokkel-provider.tsx'

export interface UseUserIdentity {
  /**
   * - `idle`: nobody is logged in
   * - `loading`: nothing is known yet
   * - `ready`: see `identity`
   * - `failed`: see `error`, then `reload`
   */
  readonly status: 'idle' | 'loading' | 'ready' | 'failed'
  /** `null`: there is no row, or it is somebody else's. */
  readonly identity: UserIdentity | null
  readonly error?: NokkelErrorCode
  reload(): void
}

interface Read extends Omit<UseUserIdentity, 'reload'> {
  readonly userId: string | undefined
}

const nobody: Read = { userId: undefined, status: 'idle', identity: null }

/**
 * The repository of the nearest `<NokkelProvider>`.
 *
 * @example
 * ```ts
 * function useNoThanks() {
 *   const identity = useIdentityRepository()
 *   return () => identity.declineOffered()
 * }
 * ```
 */
export function useIdentityRepository(): UserIdentityRepository {
  return useNokkel().identity
}

/**
 * What is held of a person to know who they are, cache first. Renders again when it changes, here or in another tab.
 *
 * `personnummerVerified` says that the person is recognised by a number that a provider vouched for, not that the one that is kept is
 * it: of that, `personnummerSource`.
 *
 * @param userId - Default: whoever is logged in.
 *
 * @example
 * ```ts
 * function useKeepsVouchedNumber() {
 *   const { identity } = useUserIdentity()
 *   const source = identity?.personnummerSource ?? 'typed'
 *   return source !== 'typed'
 * }
 * ```
 */
export function useUserIdentity(userId?: string): UseUserIdentity {
  const { auth, identity: repository } = useNokkel()
  const { me } = useSyncExternalStore(auth.subscribe, auth.getSnapshot, auth.getSnapshot)
  const wanted = me && (userId ?? me.id)
  const [read, setRead] = useState(nobody)
  const [attempt, setAttempt] = useState(0)
  const reload = useCallback(() => setAttempt((before) => before + 1), [])
  useEffect(() => repository.subscribe(reload), [repository, reload])
  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt reads again
  useEffect(() => {
    if (wanted === undefined) return setRead(nobody)
    let isDue = true
    const set = (result: Omit<Read, 'userId'>) => {
      if (isDue) setRead({ userId: wanted, ...result })
    }
    repository.getIdentityByUserId(wanted).then(
      (identity) => set({ status: 'ready', identity }),
      (error) => set({ status: 'failed', identity: null, error: codeOf(error) ?? 'answer_unexpected' }),
    )
    return () => {
      isDue = false
    }
  }, [repository, wanted, attempt])
  if (wanted === undefined) return { status: 'idle', identity: null, reload }
  // What was read of somebody else is not shown while this one is on its way.
  if (read.userId !== wanted) return { status: 'loading', identity: null, reload }
  const { userId: _, ...result } = read
  return { ...result, reload }
}

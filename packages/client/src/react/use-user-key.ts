import { useSyncExternalStore } from 'react'
import type { UserKeyService, UserKeyState } from '../user-keys/user-key-service.ts'
import { useNokkel } from './nokkel-provider.tsx'

export interface UseUserKey extends Pick<UserKeyService, 'retry'> {
  readonly state: Readonly<UserKeyState>
}

/**
 * Whether the person has their managed key. Renders again when that changes.
 *
 * @example
 * ```ts
 * function useFingerprint() {
 *   const { state } = useUserKey()
 *   return state.key?.fingerprint
 * }
 * ```
 */
export function useUserKey(): UseUserKey {
  const { userKeys } = useNokkel()
  const state = useSyncExternalStore(userKeys.subscribe, userKeys.getSnapshot, userKeys.getSnapshot)
  return { state, retry: userKeys.retry }
}

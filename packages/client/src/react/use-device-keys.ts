import { useSyncExternalStore } from 'react'
import type { KeyManagementService, KeysState } from '../keys/key-management-service.ts'
import { useNokkel } from './nokkel-provider.tsx'

export interface UseDeviceKeys
  extends Pick<KeyManagementService, 'confirmReplace' | 'declineReplace' | 'reprovision' | 'retry'> {
  readonly state: Readonly<KeysState>
}

/**
 * Whether this device has its keys, and what a person can decide about them. Renders again when that changes.
 *
 * @example
 * ```ts
 * function useKeyLine() {
 *   const { state } = useDeviceKeys()
 *   return state.status === 'ready' ? 'Only this device can read your assignments' : undefined
 * }
 * ```
 */
export function useDeviceKeys(): UseDeviceKeys {
  const { keys } = useNokkel()
  const state = useSyncExternalStore(keys.subscribe, keys.getSnapshot, keys.getSnapshot)
  const { confirmReplace, declineReplace, reprovision, retry } = keys
  return { state, confirmReplace, declineReplace, reprovision, retry }
}

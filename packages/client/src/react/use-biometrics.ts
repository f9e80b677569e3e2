import { useEffect, useSyncExternalStore } from 'react'
import type { BiometricAuthService, BiometricState } from '../biometrics/biometric-auth-service.ts'
import { useNokkel } from './nokkel-provider.tsx'

export interface UseBiometrics
  extends Pick<
    BiometricAuthService,
    'shouldPrompt' | 'enrollBiometrics' | 'declineEnrollment' | 'removeBiometrics' | 'unlock'
  > {
  readonly state: Readonly<BiometricState>
}

/**
 * Whether this device is opened by face, finger or PIN, and how to change that. Looks for who is logged in when it is first
 * used.
 *
 * @example
 * ```ts
 * function useCanTurnOn() {
 *   const { state } = useBiometrics()
 *   return state.status === 'notEnrolled' || state.status === 'declined'
 * }
 * ```
 */
export function useBiometrics(): UseBiometrics {
  const { auth, biometrics } = useNokkel()
  const state = useSyncExternalStore(biometrics.subscribe, biometrics.getSnapshot, biometrics.getSnapshot)
  const session = useSyncExternalStore(auth.subscribe, auth.getSnapshot, auth.getSnapshot)
  const isUnknown = state.status === 'unknown' && session.status === 'signed_in'
  useEffect(() => {
    // What a storage that fails says, it says again to whoever turns something on.
    if (isUnknown) biometrics.refresh().catch(() => {})
  }, [isUnknown, biometrics])
  const { shouldPrompt, enrollBiometrics, declineEnrollment, removeBiometrics, unlock } = biometrics
  return { state, shouldPrompt, enrollBiometrics, declineEnrollment, removeBiometrics, unlock }
}

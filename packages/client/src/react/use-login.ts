import { useSyncExternalStore } from 'react'
import type { AuthenticationService, AuthState } from '../auth/authentication-service.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import { useNokkel } from './nokkel-provider.tsx'

export interface UseLogin
  extends Pick<AuthenticationService, 'signIn' | 'link' | 'agree' | 'disagree' | 'retry' | 'cancel' | 'continueAsNew'> {
  readonly state: Readonly<AuthState>
}

/**
 * How far a login with one provider has come, and what a person can do about it. Renders again when that changes.
 *
 * @example
 * ```ts
 * function useVippsButton() {
 *   const { state, signIn } = useLogin('vipps')
 *   return { disabled: state.status === 'loading', onClick: () => void signIn().catch(() => undefined) }
 * }
 * ```
 */
export function useLogin(provider: ProviderId): UseLogin {
  const { vipps, bankId } = useNokkel()
  const service = provider === 'vipps' ? vipps : bankId
  const state = useSyncExternalStore(service.subscribe, service.getSnapshot, service.getSnapshot)
  const { signIn, link, agree, disagree, retry, cancel, continueAsNew } = service
  return { state, signIn, link, agree, disagree, retry, cancel, continueAsNew }
}

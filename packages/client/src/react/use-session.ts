import { useSyncExternalStore } from 'react'
import type { AuthService, AuthState } from '../auth/auth-service.ts'
import { useNokkel } from './nokkel-provider.tsx'

export interface UseSession extends Pick<AuthService, 'signIn' | 'completeSignIn' | 'signOut'> {
  readonly state: Readonly<AuthState>
}

/**
 * Who is logged in, and how to log in and out. Renders again when that changes.
 *
 * @example
 * ```ts
 * function useLoginButton() {
 *   const { state, signIn } = useSession()
 *   return { disabled: state.status === 'loading', onClick: () => void signIn('vipps') }
 * }
 * ```
 */
export function useSession(): UseSession {
  const { auth } = useNokkel()
  const state = useSyncExternalStore(auth.subscribe, auth.getSnapshot, auth.getSnapshot)
  const { signIn, completeSignIn, signOut } = auth
  return { state, signIn, completeSignIn, signOut }
}

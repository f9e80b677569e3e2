import { useSyncExternalStore } from 'react'
import type { AuthService } from '../auth/auth-service.ts'
import type { SessionState } from '../session/session-controller.ts'
import { useNokkel } from './nokkel-provider.tsx'

export interface UseSession extends Pick<AuthService, 'signIn' | 'completeSignIn' | 'signOut'> {
  readonly state: Readonly<SessionState>
}

/**
 * Who is logged in, and how to log in and out. Renders again when that changes. How far a login has come tells
 * `useLogin`.
 *
 * @example
 * ```ts
 * function useName() {
 *   const { state } = useSession()
 *   return state.me?.name
 * }
 * ```
 */
export function useSession(): UseSession {
  const { auth } = useNokkel()
  const state = useSyncExternalStore(auth.subscribe, auth.getSnapshot, auth.getSnapshot)
  const { signIn, completeSignIn, signOut } = auth
  return { state, signIn, completeSignIn, signOut }
}

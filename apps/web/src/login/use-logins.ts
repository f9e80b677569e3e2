import type { AuthState, ProviderId } from '@nokkel/client'
import { type UseLogin, useLogin } from '@nokkel/client/react'

export interface ProviderLogin extends UseLogin {
  readonly provider: ProviderId
}

/** The logins of both providers, each with its state. */
export function useLogins(): readonly ProviderLogin[] {
  const bankid = useLogin('bankid')
  const vipps = useLogin('vipps')
  return [
    { ...bankid, provider: 'bankid' },
    { ...vipps, provider: 'vipps' },
  ]
}

/** The login that is in one of these states, of whichever provider. */
export const useLoginIn = (...statuses: readonly AuthState['status'][]): ProviderLogin | undefined =>
  useLogins().find(({ state }) => statuses.includes(state.status))

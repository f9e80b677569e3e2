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

/** The same, with what was logged in with last here before the other. */
export const lastFirst = <T extends { readonly provider: ProviderId }>(
  logins: readonly T[],
  last: ProviderId | undefined,
): readonly T[] => logins.toSorted((one, other) => Number(other.provider === last) - Number(one.provider === last))

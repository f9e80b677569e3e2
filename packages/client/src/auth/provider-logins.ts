import { codeOf } from '../errors.ts'
import type { ProviderId } from '../session/auth-token-store.ts'
import type {
  AuthenticationService,
  BankIdAuthenticationService,
  CompletedSignIn,
  VippsAuthenticationService,
} from './authentication-service.ts'
import { parseCallback } from './callback.ts'
import { doneName, isUnanswered, readDone } from './login-records.ts'
import { createProviderLogin, type ProviderLoginDependencies } from './provider-login.ts'

export interface ProviderLogins {
  readonly vipps: VippsAuthenticationService
  readonly bankid: BankIdAuthenticationService
  complete(callbackUrl: URL): Promise<CompletedSignIn>
  /** Takes up a link that waits for its confirmation. */
  restore(): Promise<void>
  /** Nobody is logged in any more. */
  reset(): void
  /** Something was stored in another tab. */
  follow(name: string): Promise<void>
  close(): void
}

/** The services of both providers: one login at a time, of either. */
export function createProviderLogins(dependencies: Omit<ProviderLoginDependencies, 'others'>): ProviderLogins {
  const { storage, steps, now } = dependencies
  const all = { vipps: create('vipps'), bankid: create('bankid') }
  const each = Object.values(all)
  const exchanges = new Map<string, Promise<CompletedSignIn>>()

  function create<P extends ProviderId>(provider: P) {
    const others = () => each.filter(({ service }) => service.provider !== provider)
    const login = createProviderLogin(provider, { ...dependencies, others })
    return { ...login, service: login.service as AuthenticationService & { readonly provider: P } }
  }

  return {
    vipps: all.vipps.service,
    bankid: all.bankid.service,
    async complete(callbackUrl) {
      const callback = parseCallback(callbackUrl)
      // A fragment is none of the provider's answer: some add `#_=_`.
      const name = `${callback.redirectUri}?${callback.query}`
      const known = exchanges.get(name)
      if (known !== undefined) return known
      const result = all[callback.provider].complete(callback)
      exchanges.set(name, result)
      result.catch((error: unknown) => {
        if (isUnanswered(codeOf(error))) exchanges.delete(name)
      })
      return result
    },
    async restore() {
      const link = await steps.link()
      if (link) all[link.provider].offer(link)
    },
    reset() {
      for (const { end } of each) end('authenticated')
    },
    async follow(name) {
      const done = name === doneName ? await readDone(storage, now()) : undefined
      if (done) await all[done.provider].follow(done)
    },
    close() {
      for (const { close } of each) close()
    },
  }
}

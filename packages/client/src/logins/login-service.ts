import type { Contact, LinkedLogin } from '@nokkel/contract'
import type { Call } from '../http/api.ts'
import { lazily } from '../lazily.ts'

/**
 * The ways in that the person has. Adding one is `link` of the service of its provider.
 *
 * @example
 * ```ts
 * const { logins } = createNokkel({ organization: 'likeperson' })
 * for (const { provider, current } of (await logins.list()).logins) console.log(provider, current)
 * ```
 */
export interface LoginService {
  /** `contact`: what Vipps told of the person when they last agreed to it; `null` when it never did. */
  list(): Promise<{ readonly logins: readonly LinkedLogin[]; readonly contact: Contact | null }>
  /**
   * Removes a way in, and ends the sessions that came from it.
   *
   * @throws {NokkelError} `login_last`: there is no other one; `login_in_use`: this session came from it;
   * `login_too_old`: log in again first; `not_found`.
   */
  remove(id: string): Promise<void>
}

export function createLoginService(call: Call): LoginService {
  const load = lazily(async () => (await import('./login-operations.ts')).createLoginOperations(call))
  return { list: async () => (await load()).list(), remove: async (id) => (await load()).remove(id) }
}

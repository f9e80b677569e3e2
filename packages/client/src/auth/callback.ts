import { NokkelError } from '../errors.ts'
import type { ProviderId } from '../session/auth-token-store.ts'

export interface Callback {
  readonly provider: ProviderId
  readonly organization: string
  /** The query as the provider sent it, without the question mark. */
  readonly query: string
  readonly state: string | undefined
}

/**
 * Reads the URL a provider sent the person back to: `/callback/:provider/:organization?…`.
 *
 * @throws {NokkelError} `login_state_mismatch`: it is not such a URL.
 */
export function parseCallback(url: URL): Callback {
  const [, provider, organization] = /\/callback\/(bankid|vipps)\/([a-z0-9-]+)\/?$/.exec(url.pathname) ?? []
  if (!provider || !organization) throw new NokkelError('login_state_mismatch')
  const query = url.search.slice(1)
  // Vipps is known to append an error with a second question mark: `?state=…?error=…`.
  const states = new URLSearchParams(query.replaceAll('?', '&')).getAll('state')
  return { provider: provider as ProviderId, organization, query, state: states.length === 1 ? states[0] : undefined }
}

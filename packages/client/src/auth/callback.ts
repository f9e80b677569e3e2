import { NokkelError } from '../errors.ts'
import type { ProviderId } from '../session/auth-token-store.ts'

export interface Callback {
  readonly provider: ProviderId
  readonly organization: string
  /** The URL without its query: what the provider was told to come back to. */
  readonly redirectUri: string
  /** The query as the provider sent it, without the question mark. */
  readonly query: string
  readonly state: string | undefined
  /** Whether it brings a code, and not only an error or a way on. */
  readonly hasCode: boolean
  /** The app of Vipps opened ours, and wants the browser to go on there. */
  readonly resumeUri: string | undefined
}

/**
 * Reads the URL a provider sent the person back to: `/callback/:provider/:organization?…`, of a page, of a link that
 * opens an app, or of a scheme of its own (`no.example.app:/callback/vipps/likeperson?…`).
 *
 * @throws {NokkelError} `login_state_mismatch`: it is not such a URL.
 */
export function parseCallback(url: URL): Callback {
  const [, provider, organization] = pathOf(url)
  if (!provider || !organization) throw new NokkelError('login_state_mismatch')
  const query = url.search.slice(1)
  // Vipps is known to append an error with a second question mark: `?state=…?error=…`.
  const parameters = new URLSearchParams(query.replaceAll('?', '&'))
  return {
    provider: provider as ProviderId,
    organization,
    redirectUri: url.href.replace(/[?#].*$/, ''),
    query,
    state: onlyOne(parameters, 'state'),
    hasCode: parameters.has('code'),
    resumeUri: onlyOne(parameters, 'resume_uri'),
  }
}

/**
 * The URL an app was opened with, when it is the way back from a login: what to give to `completeSignIn`.
 *
 * @param url - As the operating system handed it over.
 * @returns `undefined` for any other link into the app.
 *
 * @example
 * ```ts
 * const back = returnUrl('no.example.app:/callback/vipps/likeperson?code=x&state=y')
 * if (back) await createNokkel({ organization: 'likeperson' }).auth.completeSignIn(back)
 * ```
 */
export function returnUrl(url: string | URL): URL | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  return parsed && parsed.search !== '' && pathOf(parsed).length > 0 ? parsed : undefined
}

function pathOf({ pathname }: URL): readonly string[] {
  return /\/callback\/(bankid|vipps)\/([a-z0-9-]+)\/?$/.exec(pathname) ?? []
}

function onlyOne(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name)
  return values.length === 1 ? values[0] : undefined
}

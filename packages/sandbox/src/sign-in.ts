import { SandboxError } from './sandbox-error.ts'

export interface SignInOptions {
  /** `id` of the {@link Person} who logs in. */
  readonly person: string
  /** What they answer when asked for consent, or `cancel` before choosing who they are. Default `approve`. */
  readonly answer?: 'approve' | 'deny' | 'cancel'
  readonly signal?: AbortSignal
}

/**
 * Goes through the pages of the sandbox as a browser would, for tests and demonstrations without one.
 *
 * @param authorizationUrl - Where the application sends the person to log in.
 * @returns The full URL that the provider redirects back to, with a code or an error.
 *
 * @throws {SandboxError} `page_unexpected` — the provider showed an error instead of redirecting.
 * @throws {SandboxError} `person_unknown` — nobody on the page has that `id`.
 *
 * @example
 * ```ts
 * import { signIn } from '@nokkel/sandbox'
 *
 * const logIn = (authorizationUrl: string) => signIn(authorizationUrl, { person: 'likeperson-medlem-1' })
 * ```
 */
export async function signIn(authorizationUrl: string | URL, options: SignInOptions): Promise<string> {
  const { person, answer = 'approve', signal = null } = options
  const cookies = new Map<string, string>()

  async function request(url: string | URL, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      signal,
      headers: { accept: 'text/html', cookie: [...cookies].map((pair) => pair.join('=')).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (name !== undefined && value !== undefined) cookies.set(name, value)
    }
    return response
  }

  function redirectOf(response: Response, from: string | URL): string {
    const location = response.headers.get('location')
    if (location === null) throw new SandboxError('page_unexpected', `The provider answered ${response.status}.`)
    return URL.canParse(location) ? location : new URL(location, from).href
  }

  const start = redirectOf(await request(authorizationUrl), authorizationUrl)
  if (!start.includes('/login/')) return start
  const list = await (await request(start)).text()
  if (!list.includes(`data-person="${person}"`))
    throw new SandboxError('person_unknown', 'Nobody on the page has that id.')

  const first = await request(start, answer === 'cancel' ? { action: 'cancel' } : { person })
  const last =
    first.status === 200 ? await request(start, { person, action: answer === 'approve' ? answer : 'cancel' }) : first
  const resume = redirectOf(last, start)
  return redirectOf(await request(resume), resume)
}

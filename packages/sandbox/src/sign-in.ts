import { changeFields, type PersonChanges } from './login/person-changes.ts'
import { SandboxError } from './sandbox-error.ts'

/** A person of the list, with other details in this login. */
export interface ChangedPerson extends PersonChanges {
  /** `id` of the {@link Person}. */
  readonly id: string
}

export interface SignInOptions {
  /** `id` of the {@link Person} who logs in, also with details that are not theirs. */
  readonly person: string | ChangedPerson
  /** What they answer when asked for consent, or `cancel` before choosing who they are. Default `approve`. */
  readonly answer?: 'approve' | 'deny' | 'cancel'
  /** Told where the app of Vipps opens that of the client (flow `app_to_app`), before the login goes on in the browser. */
  readonly onAppCallback?: (url: string) => void
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
  const { answer = 'approve', onAppCallback, signal = null } = options
  const { id, ...changes } = typeof options.person === 'string' ? { id: options.person } : options.person
  const form = { person: id, ...changeFields(changes) }
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
  if (!list.includes(`data-person="${id}"`)) throw new SandboxError('person_unknown', 'Nobody on the page has that id.')

  let answered = await request(start, answer === 'cancel' ? { action: 'cancel' } : form)
  if (answered.status === 303) {
    const next = redirectOf(answered, start)
    if (!isOfLogin(next, start)) {
      // The app of Vipps opened that of the client: with where to go on in this browser, or with an error.
      onAppCallback?.(next)
      const resumeUri = new URL(next).searchParams.get('resume_uri')
      if (resumeUri === null) return next
      answered = await request(resumeUri)
    }
  }
  if (answered.status === 200) {
    answered = await request(start, { ...form, action: answer === 'approve' ? answer : 'cancel' })
  }
  const resume = redirectOf(answered, start)
  return redirectOf(await request(resume), resume)
}

/** Pages and endpoints of a login end with the same name. */
function isOfLogin(url: string, page: string): boolean {
  const [{ origin, pathname }, start] = [new URL(url), new URL(page)]
  return origin === start.origin && pathname.endsWith(start.pathname.slice(start.pathname.lastIndexOf('/')))
}

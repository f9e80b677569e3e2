import type { Provider } from './provider.ts'

const reverseDomainScheme = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:$/

/**
 * Whether a URI may bring a person back into an app: https, or a scheme in reverse-domain form, which nobody else uses
 * by accident. It is compared character by character at the provider, so it is written the one way it can be.
 *
 * @see RFC 8252 §7.1, §7.2
 */
export function isAppUri(uri: string): boolean {
  if (uri.length > 500 || !URL.canParse(uri)) return false
  const { href, protocol, username, password } = new URL(uri)
  return (
    href === uri &&
    !/[?#]/.test(uri) &&
    username === '' &&
    password === '' &&
    (protocol === 'https:' || reverseDomainScheme.test(protocol))
  )
}

/**
 * Whether a provider may send people of an organisation back to it: also the path is of one provider and one
 * organisation, as that of the browser is.
 *
 * @see RFC 9700 §4.4.2
 */
export function isAppRedirectUri(uri: string, provider: Provider, organization: string): boolean {
  return isAppUri(uri) && new URL(uri).pathname.endsWith(`/callback/${provider}/${organization}`)
}

/** Whether it is one of these apps that is opened there, with what came of a login. */
export function isRedirectOfApp(
  uri: string,
  provider: Provider,
  organization: string,
  appOrigins: readonly string[],
): boolean {
  return isAppRedirectUri(uri, provider, organization) && isOfApp(uri, appOrigins)
}

/** Whether it names an app: an origin with https, or a scheme in reverse-domain form with its colon. There are no wildcards. */
export function isAppOrigin(text: string): boolean {
  if (reverseDomainScheme.test(text)) return true
  return /^https:[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

/**
 * Whether a URI is of one of these apps. Whoever gets a code at a URI of their own has begun the login themselves, and can
 * finish it as the person who came.
 */
export function isOfApp(uri: string, appOrigins: readonly string[]): boolean {
  if (!isAppUri(uri)) return false
  const { protocol, origin } = new URL(uri)
  return appOrigins.includes(protocol === 'https:' ? origin : protocol)
}

import type { Provider } from './provider.ts'

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
    (protocol === 'https:' || /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+:$/.test(protocol))
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

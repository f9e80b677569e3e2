/**
 * The URL a provider sent the browser back to, taken out of the address bar and the history before anything else
 * runs: code and state must not stay where a person, an extension or a later request can pick them up.
 */
let taken: URL | undefined

if (location.pathname.startsWith('/callback/') && location.search) {
  taken = new URL(location.href)
  history.replaceState(null, '', location.pathname)
}

/** The callback URL, once. */
export function takeCallbackUrl(): URL | undefined {
  const url = taken
  taken = undefined
  return url
}

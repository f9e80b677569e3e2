/**
 * The code of an invitation: it comes after the `#` of a link, so that no server sees it, and leaves the address bar before
 * anything else runs. It must outlast a login, which leaves the page.
 */
const name = 'nokkel.invitation'

const inCode = /^[\w-]{22}$/

/** The code in a pasted link, or the code itself. */
export function parseInvitation(text: string): string | undefined {
  const code = text.trim().replace(/^.*#/, '')
  return inCode.test(code) ? code : undefined
}

function take(): boolean {
  if (location.pathname !== '/join' || !location.hash) return false
  const code = parseInvitation(location.hash)
  if (code) keep(code)
  history.replaceState(null, '', location.pathname)
  return code !== undefined
}

take()
// Whoever pastes the link where this page is open already changes nothing but what is after the `#`.
addEventListener('hashchange', () => take() && location.reload())

export function pendingInvitation(): string | undefined {
  try {
    return sessionStorage.getItem(name) ?? undefined
  } catch {
    return undefined
  }
}

export function forgetInvitation(): void {
  try {
    sessionStorage.removeItem(name)
  } catch {
    // Nothing was kept.
  }
}

function keep(code: string): void {
  try {
    sessionStorage.setItem(name, code)
  } catch {
    // They can paste it when they are logged in.
  }
}

export const invitationLink = (code: string): string => `${location.origin}/join#${code}`

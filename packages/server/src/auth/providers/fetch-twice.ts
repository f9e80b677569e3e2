import type { CustomFetch } from 'openid-client'

/**
 * Makes a `fetch` that asks once more where asking again is harmless: a GET that got no answer, or one of a failing
 * server. A POST spends a code, or pushes a request, and is sent once.
 *
 * @param timeoutSeconds - How long to wait for the second answer; the first is waited for as the caller says.
 */
export function createFetchTwice(timeoutSeconds: number): CustomFetch {
  return async (url, options) => {
    const ask = (signal: AbortSignal | undefined) => fetch(url, { ...options, signal: signal ?? null } as RequestInit)
    if (options.method !== 'GET') return ask(options.signal)
    const first = await ask(options.signal).catch(() => undefined)
    if (first && first.status < 500) return first
    await first?.body?.cancel()
    return ask(AbortSignal.timeout(timeoutSeconds * 1000))
  }
}

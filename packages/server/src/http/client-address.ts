/** What the host knows of a request besides the request. */
export interface RequestEnvironment {
  /** Address of the other end of the connection. */
  readonly clientAddress?: string | undefined
}

/**
 * Who is counted for rate limits. `X-Forwarded-For` is believed only as far as proxies of our own wrote it: with
 * `trustedProxies` of them, the entry that many from the end.
 */
export function clientAddress(request: Request, environment: RequestEnvironment, trustedProxies: number): string {
  if (trustedProxies > 0) {
    const forwarded = request.headers.get('x-forwarded-for')?.split(',') ?? []
    const address = forwarded.at(-trustedProxies)?.trim()
    if (address) return address
  }
  return environment.clientAddress ?? 'unknown'
}

/** Who credentials are made for, and the pages they may be used on (WebAuthn Level 3 §5.1.3, §13.4.9). */
export interface RelyingParty {
  readonly id: string
  readonly origins: readonly string[]
}

/** The host of the public URL; its own origin, and of the allowed ones those on that host or below it. */
export function createRelyingParty(publicUrl: string, allowedOrigins: readonly string[]): RelyingParty {
  const { hostname: id, origin } = new URL(publicUrl)
  const fits = (allowed: string) => {
    const { hostname } = new URL(allowed)
    return hostname === id || hostname.endsWith(`.${id}`)
  }
  return { id, origins: [...new Set([origin, ...allowedOrigins.filter(fits)])] }
}

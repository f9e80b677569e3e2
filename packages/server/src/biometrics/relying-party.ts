import { ServerError } from '../http/server-error.ts'

/** Who credentials are made for, and the pages they may be used on (WebAuthn Level 3 §5.1.3, §13.4.9). */
export interface RelyingParty {
  readonly id: string
  readonly origins: readonly string[]
}

export interface RelyingParties {
  /**
   * For the page that a request comes from; for the host of the public URL where it comes from none, as that of a native app.
   *
   * @param origin - The header `Origin`.
   * @throws {ServerError} `biometrics_unavailable`: neither our own origin nor an allowed one, or one that has no WebAuthn.
   */
  ofPage(origin: string | undefined): RelyingParty
  /** With that id. What is not allowed any more is none of its origins. */
  ofId(id: string): RelyingParty
}

/** One for each host of our own and the allowed origins: of a page on it, whatever its port. */
export function createRelyingParties(
  publicUrl: string,
  allowedOrigins: readonly string[],
  production: boolean,
): RelyingParties {
  const own = new URL(publicUrl).origin
  const origins = [...new Set([own, ...allowedOrigins])].filter((origin) => hasWebAuthn(origin, production))
  const ofId = (id: string) => ({ id, origins: origins.filter((origin) => new URL(origin).hostname === id) })
  return {
    ofPage(origin = own) {
      if (!origins.includes(origin)) throw new ServerError('biometrics_unavailable')
      return ofId(new URL(origin).hostname)
    },
    ofId,
  }
}

/** A domain, over TLS: an address is none (WebAuthn Level 3 §5.1.3). */
function hasWebAuthn(origin: string, production: boolean): boolean {
  const { protocol, hostname } = new URL(origin)
  if (/^[\d.]+$|^\[/.test(hostname)) return false
  return protocol === 'https:' || (!production && protocol === 'http:' && /^(?:.+\.)?localhost$/.test(hostname))
}

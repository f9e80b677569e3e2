import { encodeBase64Url } from '@nokkel/crypto'

const verifierByteLength = 48

/** What one login makes before it begins; the verifier stays here until the code is exchanged. */
export interface PkcePair {
  /** 64 characters. */
  readonly verifier: string
  /** S256 of the verifier, 43 characters. */
  readonly challenge: string
  /** 43 characters. */
  readonly state: string
  /** 43 characters. */
  readonly nonce: string
}

/**
 * Makes what a login with Vipps or BankID needs, each time another. The method is always S256: `plain` cannot be
 * expressed, and an authorization URL that names it is refused.
 *
 * @example
 * ```ts
 * const { verifier, challenge } = await new VippsPkceGenerator().generate()
 * console.log(verifier.length, challenge.length) // 64 43
 * ```
 *
 * @see RFC 7636 §4.1, §4.2
 */
export class VippsPkceGenerator {
  readonly method = 'S256'

  async generate(): Promise<PkcePair> {
    const verifier = generateCodeVerifier()
    return { verifier, challenge: await deriveCodeChallenge(verifier), state: randomText(32), nonce: randomText(32) }
  }
}

/**
 * Makes a code verifier: 48 random bytes as 64 characters, within the 43 to 128 that are allowed.
 *
 * @see RFC 7636 §4.1
 */
export function generateCodeVerifier(): string {
  return randomText(verifierByteLength)
}

/**
 * Derives the S256 challenge of a verifier. `plain` does not exist here.
 *
 * @throws {RangeError} `verifier` is not 43 to 128 unreserved characters.
 * @see RFC 7636 §4.2, tested against Appendix B
 */
export async function deriveCodeChallenge(verifier: string): Promise<string> {
  if (!/^[A-Za-z0-9\-._~]{43,128}$/.test(verifier)) {
    throw new RangeError('verifier must be 43 to 128 unreserved characters')
  }
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))))
}

function randomText(byteLength: number): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(byteLength)))
}

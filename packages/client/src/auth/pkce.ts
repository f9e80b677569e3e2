import { encodeBase64Url } from '@nokkel/crypto'

const verifierByteLength = 48

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

/** `state` and `nonce`: 32 random bytes as 43 characters. */
export function generateState(): string {
  return randomText(32)
}

function randomText(byteLength: number): string {
  return encodeBase64Url(crypto.getRandomValues(new Uint8Array(byteLength)))
}

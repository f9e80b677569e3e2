import { createHash } from 'node:crypto'

/** OpenID Connect Core §3.1.3.6, for algorithms with SHA-256. */
export function atHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url')
}

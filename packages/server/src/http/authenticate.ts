import type { Claims } from '../db/with-claims.ts'
import { ServerError } from './server-error.ts'

/** A token found valid, and until when, in milliseconds since 1970. */
export interface VerifiedToken {
  readonly claims: Claims
  readonly expiresAt: number
}

const maximumCached = 10_000
const maximumLength = 4096

/**
 * Reads the bearer token of a request. Tokens found valid are remembered until they expire; whether the session is
 * still live is asked of the database at every request.
 *
 * @throws {ServerError} `token_missing`, `token_invalid` or `token_expired`.
 */
export function createAuthenticate(
  verify: (token: string) => Promise<VerifiedToken>,
  now: () => Date,
): (authorization: string | undefined) => Promise<Claims> {
  const cache = new Map<string, VerifiedToken>()
  return async (authorization) => {
    if (authorization === undefined) throw new ServerError('token_missing')
    const [, token] = /^Bearer ([\w.-]+)$/i.exec(authorization) ?? []
    if (token === undefined || token.length > maximumLength) throw new ServerError('token_invalid')
    const known = cache.get(token)
    if (known && known.expiresAt > now().getTime()) return known.claims
    cache.delete(token)
    const verified = await verify(token)
    if (cache.size >= maximumCached) cache.delete(cache.keys().next().value ?? '')
    cache.set(token, verified)
    return verified.claims
  }
}

import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Claims } from '../db/with-claims.ts'
import type { VerifiedToken } from '../http/authenticate.ts'
import { ServerError } from '../http/server-error.ts'
import type { SessionKeyStore } from './session-keys.ts'

const ACCESS_TOKEN_SECONDS = 600
const AUDIENCE = 'authenticated'

export interface AccessTokens {
  issue(claims: Omit<Claims, 'role'>): Promise<{ accessToken: string; expiresAt: Date }>
  /** @throws {ServerError} `token_invalid` or `token_expired`. */
  verify(token: string): Promise<VerifiedToken>
}

const Payload = z.object({
  sub: z.uuid(),
  sid: z.uuid(),
  role: z.literal('authenticated'),
  organization: z.uuid(),
  exp: z.int(),
})

/**
 * Access tokens that also a Supabase project accepts as those of a third-party OpenID provider.
 *
 * @see RFC 7519, RFC 8725
 */
export function createAccessTokens(issuer: string, keys: SessionKeyStore, now: () => Date): AccessTokens {
  return {
    async issue({ sub, sid, organization }) {
      const { kid, key } = (await keys.current()).signer
      const issuedAt = Math.floor(now().getTime() / 1000)
      const expires = issuedAt + ACCESS_TOKEN_SECONDS
      const accessToken = await new SignJWT({ sid, role: 'authenticated', organization })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setSubject(sub)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expires)
        .sign(key)
      return { accessToken, expiresAt: new Date(expires * 1000) }
    },
    async verify(token) {
      try {
        const { payload } = await jwtVerify(token, ({ kid }) => findKey(keys, kid), {
          issuer,
          audience: AUDIENCE,
          algorithms: ['ES256'],
          typ: 'JWT',
          currentDate: now(),
        })
        const { exp, ...claims } = Payload.parse(payload)
        return { claims, expiresAt: exp * 1000 }
      } catch (cause) {
        if (cause instanceof errors.JWTExpired) throw new ServerError('token_expired', { cause })
        if (cause instanceof errors.JOSEError || cause instanceof z.ZodError) {
          throw new ServerError('token_invalid', { cause })
        }
        throw cause
      }
    },
  }
}

async function findKey(keys: SessionKeyStore, kid: string | undefined): Promise<CryptoKey> {
  const key = kid === undefined ? undefined : await keys.find(kid)
  if (!key) throw new errors.JWKSNoMatchingKey()
  return key
}

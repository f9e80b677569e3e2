import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose'
import { z } from 'zod'
import { ServerError } from '../http/server-error.ts'

/** A Supabase project whose people may bring their account along. */
export interface SupabaseProject {
  /** `<project URL>/auth/v1`, exactly as its tokens say. */
  readonly issuer: string
  /** Default: `<issuer>/.well-known/jwks.json`. */
  readonly jwksUrl?: string
  /** The keys themselves, instead of where they are. */
  readonly jwks?: JSONWebKeySet
  /** Default `authenticated`. */
  readonly audience?: string
}

/**
 * Gives the id of the account that an access token is of.
 *
 * @throws {ServerError} `supabase_token_invalid`, `login_too_old` or `provider_unreachable`.
 */
export type VerifySupabaseToken = (token: string) => Promise<string>

export interface SupabaseTokenOptions {
  /** Whether keys are fetched over TLS only. */
  readonly production: boolean
  readonly timeoutSeconds: number
  readonly now: () => Date
}

const Payload = z.object({
  sub: z.uuid(),
  role: z.literal('authenticated'),
  is_anonymous: z.literal(false).optional(),
  amr: z.array(z.union([z.string(), z.object({ method: z.string(), timestamp: z.number() })])),
})

const maximumAgeSeconds = 300
/** How far ahead the clock of the project may be. */
const clockToleranceSeconds = 60

/**
 * Makes what verifies access tokens of a Supabase project: signature (ES256 or RS256), issuer, audience, time, and that they
 * are of a person who is not anonymous and logged in within the last five minutes: whoever holds such a token can use it.
 *
 * @throws {TypeError} An address is none, or in production not https.
 * @see RFC 7519, RFC 8725
 */
export function createSupabaseTokens(project: SupabaseProject, options: SupabaseTokenOptions): VerifySupabaseToken {
  const { issuer, audience = 'authenticated' } = project
  const keys = keysOf(project, options)
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ['ES256', 'RS256'],
        requiredClaims: ['exp', 'sub'],
        currentDate: options.now(),
      })
      const { sub, amr } = Payload.parse(payload)
      assertFresh(amr, options.now())
      return sub.toLowerCase()
    } catch (cause) {
      if (cause instanceof ServerError) throw cause
      throw new ServerError(isUnreachable(cause) ? 'provider_unreachable' : 'supabase_token_invalid', { cause })
    }
  }
}

/** By the newest login that it tells of: a renewal is none. */
function assertFresh(amr: z.infer<typeof Payload>['amr'], now: Date): void {
  const ages = amr.flatMap((login) =>
    typeof login === 'string' || login.method === 'token_refresh' ? [] : now.getTime() / 1000 - login.timestamp,
  )
  const age = Math.min(...ages.filter((seconds) => seconds >= -clockToleranceSeconds))
  if (age === Infinity) throw new ServerError('supabase_token_invalid', { detail: 'amr' })
  if (age > maximumAgeSeconds) throw new ServerError('login_too_old')
}

function keysOf(
  { issuer, jwksUrl = `${issuer}/.well-known/jwks.json`, jwks }: SupabaseProject,
  { production, timeoutSeconds }: SupabaseTokenOptions,
): JWTVerifyGetKey {
  assertAddress('issuer', issuer, production)
  if (jwks) return createLocalJWKSet(jwks)
  assertAddress('jwksUrl', jwksUrl, production)
  return createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: timeoutSeconds * 1000 })
}

function assertAddress(name: string, address: string, production: boolean): void {
  const { protocol = '' } = URL.canParse(address) ? new URL(address) : {}
  if (protocol !== 'https:' && (production || protocol !== 'http:')) {
    throw new TypeError(`supabase.${name} must be an absolute ${production ? 'https ' : ''}URL.`)
  }
}

/** The keys could not be had: nothing is known of the token. */
function isUnreachable(cause: unknown): boolean {
  return (
    cause instanceof errors.JWKSTimeout ||
    cause instanceof errors.JWKSInvalid ||
    (cause instanceof errors.JOSEError && cause.code === 'ERR_JOSE_GENERIC') ||
    cause instanceof TypeError
  )
}

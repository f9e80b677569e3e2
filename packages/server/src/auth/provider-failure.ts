import * as client from 'openid-client'
import { ServerError } from '../http/server-error.ts'

const silent = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT'])
const unusable = new Set([
  ...silent,
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
  'OAUTH_REQUEST_PROTOCOL_FORBIDDEN',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_INVALID_SERVER_METADATA',
])

/**
 * What the person is told when the exchange with the provider fails. Nothing of the answer is repeated.
 *
 * @param asked - What was asked. Default: an endpoint that a client proves itself at, as with its secret.
 */
export function toLoginError(cause: unknown, asked: 'as_client' | 'userinfo' = 'as_client'): unknown {
  if (asked === 'as_client' && isClientRefused(cause)) return new ServerError('provider_misconfigured', { cause })
  if (cause instanceof client.ResponseBodyError) {
    if (cause.error === 'invalid_grant') return new ServerError('login_code_rejected', { cause })
    // As when it is said on the callback: without the personnummer it may work.
    if (cause.error === 'invalid_scope')
      return new ServerError('login_refused', { data: { error: cause.error }, cause })
    const detail = /^[a-z_]{1,64}$/.test(cause.error) ? { detail: `The provider answered ${cause.error}.` } : {}
    return unreachable(cause, detail)
  }
  if (cause instanceof client.WWWAuthenticateChallengeError) return unreachable(cause)
  if (cause instanceof client.ClientError) {
    const lost = (cause.code !== undefined && unusable.has(cause.code)) || isNetworkFailure(cause.cause)
    return lost ? unreachable(cause) : new ServerError('login_token_invalid', { cause })
  }
  return isNetworkFailure(cause) ? unreachable(cause) : cause
}

/** Whether something came back, of which nothing could be made. */
export function hasAnswered(cause: unknown): boolean {
  if (isNetworkFailure(cause)) return false
  if (!(cause instanceof client.ClientError)) return true
  return !silent.has(cause.code ?? '') && !isNetworkFailure(cause.cause)
}

function unreachable(cause: unknown, detail: { readonly detail?: string } = {}): ServerError {
  return new ServerError('provider_unreachable', { ...detail, data: { answered: hasAnswered(cause) }, cause })
}

/** @see RFC 6749 §5.2 */
function isClientRefused(cause: unknown): boolean {
  if (cause instanceof client.ResponseBodyError) {
    // What anybody could have made up, whatever the status.
    if (cause.error === 'invalid_grant' || cause.error === 'invalid_scope') return false
    return cause.error === 'invalid_client' || cause.error === 'unauthorized_client' || cause.status === 401
  }
  if (cause instanceof client.WWWAuthenticateChallengeError) return cause.status === 401
  // Neither a challenge nor a body that could be read.
  return cause instanceof client.ClientError && cause.cause instanceof Response && cause.cause.status === 401
}

/** Whether the keys of the provider that are known have none that fits what it signed. */
export function isKeyUnknown(cause: unknown): boolean {
  return cause instanceof client.ClientError && cause.code === 'OAUTH_KEY_SELECTION_FAILED'
}

/** `fetch` rejects with a TypeError that, unlike those about arguments, has no code. */
function isNetworkFailure(cause: unknown): boolean {
  return cause instanceof TypeError && !('code' in cause)
}

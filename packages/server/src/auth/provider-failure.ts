import * as client from 'openid-client'
import { ServerError } from '../http/server-error.ts'

const unusable = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
  'OAUTH_REQUEST_PROTOCOL_FORBIDDEN',
  'OAUTH_MISSING_SERVER_METADATA',
  'OAUTH_INVALID_SERVER_METADATA',
])

/** What the person is told when the exchange with the provider fails. Nothing of the answer is repeated. */
export function toLoginError(cause: unknown): unknown {
  if (cause instanceof client.ResponseBodyError) {
    if (cause.error === 'invalid_grant') return new ServerError('login_code_rejected', { cause })
    // As when it is said on the callback: without the personnummer it may work.
    if (cause.error === 'invalid_scope')
      return new ServerError('login_refused', { data: { error: cause.error }, cause })
    const detail = /^[a-z_]{1,64}$/.test(cause.error) ? { detail: `The provider answered ${cause.error}.` } : {}
    return new ServerError('provider_unreachable', { ...detail, cause })
  }
  if (cause instanceof client.WWWAuthenticateChallengeError) return new ServerError('provider_unreachable', { cause })
  if (cause instanceof client.ClientError) {
    const lost = (cause.code !== undefined && unusable.has(cause.code)) || isNetworkFailure(cause.cause)
    return new ServerError(lost ? 'provider_unreachable' : 'login_token_invalid', { cause })
  }
  return isNetworkFailure(cause) ? new ServerError('provider_unreachable', { cause }) : cause
}

/** Whether the keys of the provider that are known have none that fits what it signed. */
export function isKeyUnknown(cause: unknown): boolean {
  return cause instanceof client.ClientError && cause.code === 'OAUTH_KEY_SELECTION_FAILED'
}

/** `fetch` rejects with a TypeError that, unlike those about arguments, has no code. */
function isNetworkFailure(cause: unknown): boolean {
  return cause instanceof TypeError && !('code' in cause)
}

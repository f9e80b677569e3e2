import { type Problem, problems } from '@nokkel/contract'
import type { ServerError } from './server-error.ts'

const challenges: Partial<Record<ServerError['code'], string>> = {
  token_missing: 'Bearer',
  token_invalid: 'Bearer error="invalid_token"',
  token_expired: 'Bearer error="invalid_token"',
  dpop_proof_invalid: 'DPoP error="invalid_dpop_proof", algs="ES256"',
}

/** RFC 9457; for 401 also the challenge of RFC 6750 §3 or RFC 9449 §7.1. */
export function problemResponse(error: ServerError, requestId: string): Response {
  const { status, title } = problems[error.code]
  const body: Problem = {
    type: `urn:nokkel:problem:${error.code}`,
    title,
    status,
    code: error.code,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    request_id: requestId,
    ...(error.data === undefined ? {} : { data: error.data }),
  }
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
  const challenge = challenges[error.code]
  if (challenge) headers.set('www-authenticate', challenge)
  const retryAfterSeconds = error.data?.retryAfterSeconds
  if (typeof retryAfterSeconds === 'number') headers.set('retry-after', String(retryAfterSeconds))
  if (Array.isArray(error.data?.allow)) headers.set('allow', error.data.allow.join(', '))
  return new Response(JSON.stringify(body), { status, headers })
}

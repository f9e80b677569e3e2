import * as client from 'openid-client'
import { describe, expect, it } from 'vitest'
import { ServerError } from '../http/server-error.ts'
import { isKeyUnknown, toLoginError } from './provider-failure.ts'

/** What the library makes of an answer of the token endpoint. */
async function failureOf(answer: () => Response | Promise<Response>): Promise<unknown> {
  const server = { issuer: 'https://provider.example', token_endpoint: 'https://provider.example/token' }
  const configuration = new client.Configuration(server, 'client', {}, client.ClientSecretPost('planted-secret'))
  configuration[client.customFetch] = async () => answer()
  return client
    .authorizationCodeGrant(configuration, new URL('https://app.example/callback?code=x&state=y'), {
      expectedState: 'y',
      expectedNonce: 'z',
      pkceCodeVerifier: 'A'.repeat(43),
    })
    .then(
      () => new Error('it succeeded'),
      (cause: unknown) => cause,
    )
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } })

describe('failure of a provider', () => {
  it.each<[string, string, () => Response | Promise<Response>]>([
    ['a code it does not take', 'login_code_rejected', () => json(400, { error: 'invalid_grant' })],
    [
      'a code it does not take, with another status',
      'login_code_rejected',
      () => json(401, { error: 'invalid_grant' }),
    ],
    ['a scope it does not give, with another status', 'login_refused', () => json(401, { error: 'invalid_scope' })],
    ['a scope it does not give', 'login_refused', () => json(400, { error: 'invalid_scope' })],
    ['a client it does not know', 'provider_misconfigured', () => json(401, { error: 'invalid_client' })],
    [
      'a client it does not know, with another status',
      'provider_misconfigured',
      () => json(400, { error: 'invalid_client' }),
    ],
    ['a client that may not', 'provider_misconfigured', () => json(400, { error: 'unauthorized_client' })],
    ['a refusal in its own words', 'provider_misconfigured', () => json(401, { message: 'planted-secret' })],
    ['a refusal on a page', 'provider_misconfigured', () => new Response('<p>planted', { status: 401 })],
    ['an error of its own', 'provider_unreachable', () => json(400, { error: 'planted secret' })],
    [
      'a challenge',
      'provider_misconfigured',
      () => json(401, {}, { 'www-authenticate': 'Basic realm="planted-secret"' }),
    ],
    ['a failure', 'provider_unreachable', () => new Response('planted-secret', { status: 503 })],
    ['a page', 'provider_unreachable', () => new Response('<p>', { headers: { 'content-type': 'text/html' } })],
    [
      'half an answer',
      'provider_unreachable',
      () => new Response('{"access', { headers: { 'content-type': 'application/json' } }),
    ],
    ['no connection', 'provider_unreachable', () => Promise.reject(new TypeError('fetch failed'))],
    [
      'silence',
      'provider_unreachable',
      () => Promise.reject(new DOMException('The operation timed out', 'TimeoutError')),
    ],
    ['an end', 'provider_unreachable', () => Promise.reject(new DOMException('Aborted', 'AbortError'))],
    ['nothing of use', 'login_token_invalid', () => json(200, {})],
    [
      'no ID Token',
      'login_token_invalid',
      () => json(200, { access_token: 'planted-secret', token_type: 'Bearer', id_token: 7 }),
    ],
  ])('that is %s is %s, and repeats nothing', async (_, code, answer) => {
    const error = toLoginError(await failureOf(answer))
    expect(error).toBeInstanceOf(ServerError)
    expect(error).toMatchObject({ code })
    const { message, detail, data } = error as ServerError
    expect(JSON.stringify([message, detail, data])).not.toContain('planted')
  })

  it('says of a scope what the client acts on', async () => {
    const error = toLoginError(await failureOf(() => json(400, { error: 'invalid_scope' })))
    expect(error).toMatchObject({ data: { error: 'invalid_scope' } })
  })

  it.each<[string, boolean, () => Response | Promise<Response>]>([
    ['a failure', true, () => new Response('', { status: 503 })],
    ['a page', true, () => new Response('<p>', { headers: { 'content-type': 'text/html' } })],
    ['an error of its own', true, () => json(400, { error: 'temporarily_unavailable' })],
    ['no connection', false, () => Promise.reject(new TypeError('fetch failed'))],
    ['silence', false, () => Promise.reject(new DOMException('The operation timed out', 'TimeoutError'))],
    ['an end', false, () => Promise.reject(new DOMException('Aborted', 'AbortError'))],
  ])('tells of %s whether it is an answer: %s', async (_, answered, answer) => {
    expect(toLoginError(await failureOf(answer))).toMatchObject({ code: 'provider_unreachable', data: { answered } })
  })

  it.each([
    [403, 'Bearer error="insufficient_scope"'],
    [401, 'Bearer error="invalid_token"'],
  ])('says nothing of the client where an access token is refused: %s', async (status, challenge) => {
    const failure = await failureOf(() => json(status, {}, { 'www-authenticate': challenge }))
    expect(toLoginError(failure, 'userinfo')).toMatchObject({ code: 'provider_unreachable', data: { answered: true } })
  })

  it('is none when the fault is ours', () => {
    for (const cause of [new RangeError('x'), Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' }), 7]) {
      expect(toLoginError(cause)).toBe(cause)
    }
  })

  it('is an unknown key only where the library says so', () => {
    expect(isKeyUnknown(Object.assign(new client.ClientError('x'), { code: 'OAUTH_KEY_SELECTION_FAILED' }))).toBe(true)
    expect(isKeyUnknown(Object.assign(new client.ClientError('x'), { code: 'OAUTH_INVALID_RESPONSE' }))).toBe(false)
    expect(isKeyUnknown(new TypeError('OAUTH_KEY_SELECTION_FAILED'))).toBe(false)
  })
})

import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { base64Url, Instant, ProviderId, Slug, Uuid } from './scalars.ts'

export const BeginLogin = z
  .strictObject({
    provider: ProviderId,
    organization: Slug,
    codeChallenge: base64Url(32, 32).openapi({
      description: 'S256 challenge (RFC 7636 §4.2); plain is not taken.',
    }),
    state: base64Url(16, 48),
    nonce: base64Url(16, 48),
  })
  .openapi('BeginLogin')
export type BeginLogin = z.infer<typeof BeginLogin>

export const LoginBegun = z
  .strictObject({
    loginId: Uuid,
    authorizationUrl: z.url(),
    expiresAt: Instant,
  })
  .openapi('LoginBegun')
export type LoginBegun = z.infer<typeof LoginBegun>

export const CompleteLogin = z
  .strictObject({
    loginId: Uuid,
    provider: ProviderId,
    organization: Slug,
    callback: z.string().max(8192).openapi({
      description: 'Query string of the URL the provider redirected to, without the question mark.',
    }),
    codeVerifier: z.string().regex(/^[A-Za-z0-9\-._~]{43,128}$/),
    nonce: base64Url(16, 48),
    deviceName: z.string().min(1).max(80).optional(),
  })
  .openapi('CompleteLogin')
export type CompleteLogin = z.infer<typeof CompleteLogin>

/** Tokens of a session. The refresh token works only with a DPoP proof by the key the session is bound to. */
export const Tokens = z
  .strictObject({
    accessToken: z.string(),
    accessTokenExpiresAt: Instant,
    refreshToken: z.string(),
    sessionId: Uuid,
    sessionExpiresAt: Instant,
  })
  .openapi('Tokens')
export type Tokens = z.infer<typeof Tokens>

export const LoginCompleted = z
  .strictObject({
    tokens: Tokens,
    userId: Uuid,
    outcome: z.enum(['signed_in', 'identity_linked', 'account_created']),
  })
  .openapi('LoginCompleted')
export type LoginCompleted = z.infer<typeof LoginCompleted>

export const beginLogin = operation({
  method: 'post',
  path: '/nokkel/login',
  tags: ['Login'],
  summary: 'Record a login attempt and get the URL to send the person to',
  request: { body: BeginLogin },
  responses: { 201: LoginBegun },
  public: true,
})

export const completeLogin = operation({
  method: 'post',
  path: '/nokkel/login/complete',
  tags: ['Login'],
  summary: 'Finish a login: exchange the code, link the account, open a session bound to the DPoP key',
  request: { body: CompleteLogin },
  responses: { 200: LoginCompleted },
  public: true,
  dpop: true,
})

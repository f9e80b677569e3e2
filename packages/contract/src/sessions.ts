import { z } from '@hono/zod-openapi'
import { Tokens } from './login.ts'
import { operation } from './operation.ts'
import { compactJws, Instant, ProviderId, Uuid } from './scalars.ts'

export const Session = z
  .strictObject({
    id: Uuid,
    current: z.boolean(),
    provider: ProviderId,
    deviceName: z.string(),
    deviceId: Uuid.nullable(),
    authenticatedAt: Instant,
    lastUsedAt: Instant,
    expiresAt: Instant,
  })
  .openapi('Session')
export type Session = z.infer<typeof Session>

export const refreshSession = operation({
  method: 'post',
  path: '/nokkel/session/refresh',
  tags: ['Sessions'],
  summary: 'Rotate the refresh token and get a new access token',
  request: {
    body: z.strictObject({ refreshToken: z.string().min(20).max(200) }),
  },
  responses: { 200: Tokens },
  public: true,
  dpop: true,
})

export const listSessions = operation({
  method: 'get',
  path: '/nokkel/sessions',
  tags: ['Sessions'],
  summary: 'Live sessions of the person',
  responses: { 200: z.strictObject({ sessions: z.array(Session) }) },
})

export const revokeSession = operation({
  method: 'delete',
  path: '/nokkel/sessions/{id}',
  tags: ['Sessions'],
  summary: 'End one session at once',
  request: { params: z.strictObject({ id: Uuid }) },
  responses: { 204: null },
})

export const revokeOtherSessions = operation({
  method: 'delete',
  path: '/nokkel/sessions',
  tags: ['Sessions'],
  summary: 'End every session but this one at once',
  responses: { 200: z.strictObject({ ended: z.int() }) },
})

export const signOut = operation({
  method: 'delete',
  path: '/nokkel/session',
  tags: ['Sessions'],
  summary: 'End this session',
  responses: { 204: null },
})

export const endSession = operation({
  method: 'post',
  path: '/nokkel/session/end',
  tags: ['Sessions'],
  summary: 'End a session by its key, without an access token; the answer tells nothing of it',
  request: { body: z.strictObject({ sessionId: Uuid }) },
  responses: { 204: null },
  public: true,
  dpop: true,
})

export const resumeDevice = operation({
  method: 'post',
  path: '/nokkel/session/device',
  tags: ['Sessions'],
  summary: 'Bind this session to a device the person registered before',
  request: {
    body: z.strictObject({
      proof: compactJws(2048).openapi({
        description:
          'typ nokkel-device-resume+jwt, signed by the signing key of the device; payload {session, thumbprint, iat}: the session and the key it is bound to now.',
      }),
    }),
  },
  responses: { 200: z.strictObject({ deviceId: Uuid }) },
})

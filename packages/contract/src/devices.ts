import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { base64Url, compactJws, Instant, PublicJwk, Thumbprint, Uuid } from './scalars.ts'

export const Device = z
  .strictObject({
    id: Uuid,
    name: z.string(),
    current: z.boolean(),
    state: z.enum(['active', 'superseded', 'revoked']),
    encryptionThumbprint: Thumbprint,
    signingThumbprint: Thumbprint,
    registeredAt: Instant,
    endedAt: Instant.nullable(),
    lastSeenAt: Instant.nullable(),
  })
  .openapi('Device')
export type Device = z.infer<typeof Device>

/** The public signing key of a device and when it was valid; outlives the device, so that old items stay verifiable. */
export const SigningKeyRecord = z
  .strictObject({
    deviceId: Uuid,
    userId: Uuid,
    userName: z.string().nullable(),
    signingKey: PublicJwk,
    thumbprint: Thumbprint,
    validFrom: Instant,
    validUntil: Instant.nullable(),
  })
  .openapi('SigningKeyRecord')
export type SigningKeyRecord = z.infer<typeof SigningKeyRecord>

export const createDeviceChallenge = operation({
  method: 'post',
  path: '/nokkel/devices/challenges',
  tags: ['Devices'],
  summary: 'A challenge to sign and a nonce sealed to the encryption key that is to be registered',
  request: { body: z.strictObject({ encryptionKey: PublicJwk }) },
  responses: {
    201: z.strictObject({
      id: Uuid,
      challenge: base64Url(32, 32),
      sealedNonce: base64Url(100, 300).openapi({
        description:
          'HPKE seal of 32 bytes; context {purpose: "device-registration", table: "device_key", column: "nonce", row: id, owner: userId}.',
      }),
      expiresAt: Instant,
    }),
  },
})

export const registerDevice = operation({
  method: 'post',
  path: '/nokkel/devices',
  tags: ['Devices'],
  summary: 'Register both public keys of a device',
  request: {
    body: z.strictObject({
      registration: compactJws(4096).openapi({
        description:
          'typ nokkel-device+jwt, signed by the signing key the session is bound to; payload {v:1, id: challenge id, challenge, nonce (opened, base64url), user, session, encryptionKey, suites: [2], name, replaces: boolean, iat}. `replaces` says that the devices now active end.',
      }),
    }),
  },
  responses: { 201: Device },
})

export const listDevices = operation({
  method: 'get',
  path: '/nokkel/devices',
  tags: ['Devices'],
  summary: 'The devices of the person, ended ones included',
  responses: { 200: z.strictObject({ devices: z.array(Device) }) },
})

export const revokeDevice = operation({
  method: 'delete',
  path: '/nokkel/devices/{id}',
  tags: ['Devices'],
  summary: 'End a device and its sessions at once',
  request: { params: z.strictObject({ id: Uuid }) },
  responses: { 204: null },
})

export const getSigningKey = operation({
  method: 'get',
  path: '/nokkel/directory/{thumbprint}',
  tags: ['Devices'],
  summary:
    'Whose signing key this is and when it was valid; for those who share an assignment or organisation with them',
  request: { params: z.strictObject({ thumbprint: Thumbprint }) },
  responses: { 200: SigningKeyRecord },
})

import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { base64Url, Instant, Uuid } from './scalars.ts'

/** That a person wants this device to be opened by face, finger or PIN. Nothing of those ever leaves the device. */
export const BiometricEnrollment = z
  .strictObject({
    userId: Uuid,
    deviceId: Uuid,
    enrolledAt: Instant,
    /** Made at the first unlocking; `null` before. */
    credential: z
      .strictObject({
        createdAt: Instant,
        lastUsedAt: Instant.nullable(),
        /** Whether the platform copies it to other devices of the person. */
        backedUp: z.boolean(),
      })
      .nullable(),
  })
  .openapi('BiometricEnrollment')
export type BiometricEnrollment = z.infer<typeof BiometricEnrollment>

/** What the browser is to be called with, as JSON (WebAuthn Level 3 §5.1.8). */
const CredentialOptions = z.looseObject({ challenge: z.string() })

export const UnlockChallenge = z
  .strictObject({
    /** `create`: the enrolment has no credential yet. */
    kind: z.enum(['create', 'get']),
    options: CredentialOptions.openapi({
      description: 'PublicKeyCredentialCreationOptionsJSON, or PublicKeyCredentialRequestOptionsJSON.',
    }),
    expiresAt: Instant,
  })
  .openapi('UnlockChallenge')
export type UnlockChallenge = z.infer<typeof UnlockChallenge>

/** RegistrationResponseJSON or AuthenticationResponseJSON (WebAuthn Level 3 §5.1.7), without results of extensions. */
export const UnlockCredential = z
  .strictObject({
    id: base64Url(1, 1023),
    rawId: base64Url(1, 1023),
    type: z.literal('public-key'),
    authenticatorAttachment: z.string().max(32).optional(),
    clientExtensionResults: z.strictObject({}),
    /** Of a new credential `attestationObject` and what was read from it; of a known one `authenticatorData` and `signature`. */
    response: z.strictObject({
      clientDataJSON: base64Url(1, 6144),
      attestationObject: base64Url(1, 16_384).optional(),
      authenticatorData: base64Url(37, 8192).optional(),
      transports: z.array(z.string().max(32)).max(16).optional(),
      publicKeyAlgorithm: z.int().optional(),
      publicKey: base64Url(1, 2048).optional(),
      signature: base64Url(1, 2048).optional(),
      userHandle: base64Url(1, 64).nullable().optional(),
    }),
  })
  .openapi('UnlockCredential')
export type UnlockCredential = z.infer<typeof UnlockCredential>

export const getBiometricEnrollment = operation({
  method: 'get',
  path: '/nokkel/biometrics',
  tags: ['Biometrics'],
  summary: 'The enrolment of the device of this session',
  responses: { 200: z.strictObject({ enrollment: BiometricEnrollment.nullable() }) },
})

export const enrollBiometrics = operation({
  method: 'post',
  path: '/nokkel/biometrics',
  tags: ['Biometrics'],
  summary:
    'Record that the person wants it, tied to the device of this session; needs a login not older than five minutes',
  responses: { 201: BiometricEnrollment },
})

export const removeBiometrics = operation({
  method: 'delete',
  path: '/nokkel/biometrics',
  tags: ['Biometrics'],
  summary: 'End the enrolment of this device; needs a login or unlocking not older than five minutes',
  responses: { 204: null },
})

export const createUnlockChallenge = operation({
  method: 'post',
  path: '/nokkel/session/unlock/challenges',
  tags: ['Biometrics'],
  summary: 'Begin to unlock a session whose device is enrolled',
  request: { body: z.strictObject({ sessionId: Uuid }) },
  responses: { 201: UnlockChallenge },
  public: true,
  dpop: true,
})

export const unlockSession = operation({
  method: 'post',
  path: '/nokkel/session/unlock',
  tags: ['Biometrics'],
  summary: 'Unlock a session by the answer of its authenticator, so that it can be refreshed again',
  request: { body: z.strictObject({ sessionId: Uuid, credential: UnlockCredential }) },
  responses: { 200: z.strictObject({ unlockedUntil: Instant }) },
  public: true,
  dpop: true,
})

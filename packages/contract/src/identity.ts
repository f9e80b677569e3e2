import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { base64Url, Instant, ProviderId, PublicJwk, Uuid } from './scalars.ts'

const PersonnummerSource = z.enum(['bankid', 'vipps', 'typed'])

/** What is held of a person to know who they are. Of a personnummer only the ciphertext is here, which nobody but the server opens. */
export const UserIdentity = z
  .strictObject({
    id: Uuid,
    userId: Uuid,
    /** The number that is kept, encrypted under the key of the person; `null`: none is kept. */
    personnummer: base64Url(48, 256).nullable(),
    /** Where the kept number is from: a provider vouched for it, or it was `typed` and proves nothing; `null` without one. */
    personnummerSource: PersonnummerSource.nullable(),
    /**
     * Whether the person is recognised by a number that a provider vouched for, kept or not. It says nothing of the number that is kept,
     * which may be another one: of that see `personnummerSource`.
     */
    personnummerVerified: z.boolean(),
    bankidVerified: z.boolean(),
    bankidVerifiedAt: Instant.nullable(),
    /** Subject of the newest Vipps login; `null` without one. */
    vippsSub: z.string().nullable(),
    createdAt: Instant,
    updatedAt: Instant,
  })
  .openapi('UserIdentity')
export type UserIdentity = z.infer<typeof UserIdentity>

/** First six digits and five stars. */
const Masked = z.string().regex(/^\d{6}\*{5}$/)

export const PersonnummerStatus = z
  .strictObject({
    /** What is kept. A `typed` one proves nothing. */
    kept: z.strictObject({ masked: Masked, source: PersonnummerSource, keptAt: Instant }).nullable(),
    /** What a provider told in the last hour, and waits for the person to say whether it may be kept. */
    offered: z.strictObject({ masked: Masked, source: ProviderId, expiresAt: Instant }).nullable(),
  })
  .openapi('PersonnummerStatus')
export type PersonnummerStatus = z.infer<typeof PersonnummerStatus>

const StorageConsent = z.strictObject({
  /** Of the text they saw. */
  version: z.string().regex(/^[a-z0-9.-]{1,32}$/),
})

export const KeepPersonnummer = z
  .discriminatedUnion('from', [
    /** What a provider told: nothing is sent. */
    z.strictObject({ from: z.literal('provider'), consent: StorageConsent }),
    z.strictObject({
      from: z.literal('typed'),
      consent: StorageConsent,
      sealed: base64Url(112, 112).openapi({
        description:
          'HPKE seal of the eleven digits to the identity key; context {purpose: "personnummer", table: "user_identities", column: "personnummer", row: userId, owner: userId}.',
      }),
    }),
  ])
  .openapi('KeepPersonnummer')
export type KeepPersonnummer = z.infer<typeof KeepPersonnummer>

export const getIdentity = operation({
  method: 'get',
  path: '/nokkel/me/identity',
  tags: ['Identity'],
  summary: 'What is held of the person to know who they are',
  responses: { 200: z.strictObject({ identity: UserIdentity.nullable() }) },
})

export const upsertIdentity = operation({
  method: 'put',
  path: '/nokkel/me/identity',
  tags: ['Identity'],
  summary: 'Make sure that the person has a row; everything in it that proves something is written by the server alone',
  request: { body: z.strictObject({ userId: Uuid }) },
  responses: { 200: UserIdentity },
})

export const markBankIdVerified = operation({
  method: 'post',
  path: '/nokkel/me/identity/bankid',
  tags: ['Identity'],
  summary: 'Record that this session came from BankID, as the SQL function mark_bankid_verified does',
  responses: { 200: UserIdentity },
})

export const getIdentityKey = operation({
  method: 'get',
  path: '/nokkel/identity-key',
  tags: ['Identity'],
  summary: 'The public key that a personnummer is sealed to on its way here',
  responses: { 200: z.strictObject({ publicKey: PublicJwk }) },
})

export const getPersonnummer = operation({
  method: 'get',
  path: '/nokkel/me/personnummer',
  tags: ['Identity'],
  summary: 'Whether a personnummer is kept or waits for a yes; masked',
  responses: { 200: PersonnummerStatus },
})

export const keepPersonnummer = operation({
  method: 'put',
  path: '/nokkel/me/personnummer',
  tags: ['Identity'],
  summary: 'Keep the personnummer of the person, who has agreed to it',
  request: { body: KeepPersonnummer },
  responses: { 200: UserIdentity },
})

export const declinePersonnummer = operation({
  method: 'delete',
  path: '/nokkel/me/personnummer/offer',
  tags: ['Identity'],
  summary:
    'Say no to keeping what a provider told; it is not offered again unless asked for. Refused when it is kept or gone',
  responses: { 204: null },
})

export const revealPersonnummer = operation({
  method: 'post',
  path: '/nokkel/me/personnummer/reveal',
  tags: ['Identity'],
  summary: 'The kept personnummer in full, to the device of its owner, after a login not older than five minutes',
  responses: {
    200: z.strictObject({
      sealed: base64Url(112, 112).openapi({
        description:
          'HPKE seal of the eleven digits to the encryption key of the device; context {purpose: "personnummer-reveal", table: "device_key", column: "encryption_key", row: deviceId, owner: userId}.',
      }),
    }),
  },
})

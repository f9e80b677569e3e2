import { z } from '@hono/zod-openapi'
import { operation } from '../operation.ts'
import { base64Url, Cursor, Instant, PublicJwk, Thumbprint, Uuid } from '../scalars.ts'
import {
  Digest,
  MAXIMUM_WRAPS,
  ofRfx,
  RfxRole,
  RfxWraps,
  Statement,
  tags,
  Version,
  WrappedContentKey,
} from './parts.ts'

/** How many of a group have its key. */
const RfxCoverage = z.strictObject({ wrapped: z.int(), missing: z.int(), noKey: z.int() }).openapi('RfxCoverage')

/** What the person needs to open the key of a group. */
export const RfxGroup = z
  .strictObject({
    id: Uuid,
    kind: z.enum(['project', 'opening', 'bidder']),
    companyId: Uuid,
    version: Version,
    rekeyPending: z.boolean(),
    member: z.boolean().openapi({ description: 'Whether the person is in it now.' }),
    wrap: z
      .strictObject({
        via: z.enum(['user', 'company']),
        ownerId: Uuid,
        role: RfxRole,
        keyId: Uuid,
        encryptedSymmetricKey: z
          .string()
          .nullable()
          .openapi({ description: 'Null for a company: the server unwraps.' }),
        revision: z.int(),
        thumbprint: Thumbprint.openapi({ description: 'Of the key it was wrapped to when it was signed.' }),
        hash: Digest,
      })
      .nullable(),
    versions: z.array(z.strictObject({ version: Version, previousKey: WrappedContentKey.nullable() })),
    manifest: z.array(
      z.strictObject({
        revision: z.int().min(1),
        statement: Statement,
        leaves: base64Url(32, 16_000),
        signerId: Uuid,
        createdAt: Instant,
      }),
    ),
  })
  .openapi('RfxGroup')
export type RfxGroup = z.infer<typeof RfxGroup>

export const RfxRecipient = z
  .strictObject({
    owner: z.enum(['user', 'company']),
    ownerId: Uuid,
    name: z.string(),
    role: RfxRole,
    companyId: Uuid.nullable(),
    state: z.enum(['wrapped', 'missing', 'no_key']),
    key: z.strictObject({ id: Uuid, publicKey: z.string(), thumbprint: Thumbprint }).nullable(),
    signed: z.strictObject({ revision: z.int(), thumbprint: Thumbprint, hash: Digest }).nullable(),
    formerIds: z.array(Uuid).openapi({
      description: 'Accounts that were merged into that of a person: their wrap may have been signed for one of them.',
    }),
  })
  .openapi('RfxRecipient')
export type RfxRecipient = z.infer<typeof RfxRecipient>

export const RfxSigner = z
  .strictObject({
    thumbprint: Thumbprint,
    userId: Uuid,
    deviceId: Uuid,
    publicKey: PublicJwk,
    validFrom: Instant,
    validUntil: Instant.nullable(),
  })
  .openapi('RfxSigner')
export type RfxSigner = z.infer<typeof RfxSigner>

export const RfxFault = z
  .strictObject({
    problem: z.enum([
      'wrap_surplus',
      'wrap_missing',
      'rekey_pending',
      'version_unsigned',
      'manifest_invalid',
      'wrap_unsigned',
      'leaf_unexplained',
      'chain_broken',
    ]),
    groupId: Uuid,
    subjectType: z.enum(['app_user', 'company', 'rfx']),
    subjectId: Uuid,
  })
  .openapi('RfxFault')
export type RfxFault = z.infer<typeof RfxFault>

export const createRfxGroup = operation({
  method: 'post',
  path: '/nokkel/rfx/{id}/groups',
  tags,
  summary:
    'Make the group that opens bids, or that of a bidding company, with its key; made before, it is the one there is',
  request: {
    params: ofRfx,
    body: z.strictObject({
      groupId: Uuid,
      kind: z.enum(['opening', 'bidder']),
      companyId: Uuid,
      manifest: RfxWraps,
    }),
  },
  responses: { 200: RfxGroup },
  maximumBodyBytes: 1_048_576,
})

export const getRfxGroup = operation({
  method: 'get',
  path: '/nokkel/rfx/groups/{id}',
  tags,
  summary: 'One group with its manifest',
  request: { params: ofRfx },
  responses: { 200: RfxGroup },
})

export const listRfxRecipients = operation({
  method: 'get',
  path: '/nokkel/rfx/groups/{id}/recipients',
  tags,
  summary: 'Who is in a group and has its key, or the key to wrap it to; for those who may wrap it',
  request: {
    params: ofRfx,
    query: z.strictObject({
      cursor: Cursor.optional(),
      limit: z.coerce.number().int().min(1).max(MAXIMUM_WRAPS).default(MAXIMUM_WRAPS),
      only: z.literal('missing').optional(),
    }),
  },
  responses: {
    200: z.strictObject({
      recipients: z.array(RfxRecipient),
      coverage: RfxCoverage.optional().openapi({ description: 'On the first page.' }),
      nextCursor: Cursor.optional(),
    }),
  },
})

export const addRfxWraps = operation({
  method: 'post',
  path: '/nokkel/rfx/groups/{id}/wraps',
  tags,
  summary: 'Store wraps with the next revision of the manifest; the same again changes nothing',
  request: { params: ofRfx, body: RfxWraps },
  responses: { 200: z.strictObject({ version: Version, revision: z.int() }) },
  maximumBodyBytes: 1_048_576,
})

export const beginRfxVersion = operation({
  method: 'post',
  path: '/nokkel/rfx/groups/{id}/versions',
  tags,
  summary: 'Begin to make the next version of the key; an attempt of the same person that was not ended is given up',
  request: {
    params: ofRfx,
    body: z.strictObject({ attemptId: Uuid, version: Version.min(2), previousKey: WrappedContentKey }),
  },
  responses: { 204: null },
})

export const addRfxVersionWraps = operation({
  method: 'post',
  path: '/nokkel/rfx/groups/{id}/versions/{attemptId}/wraps',
  tags,
  summary: 'Store wraps of the next version, which nobody reads before it is whole',
  request: { params: z.strictObject({ id: Uuid, attemptId: Uuid }), body: RfxWraps },
  responses: { 200: z.strictObject({ version: Version, revision: z.int() }) },
  maximumBodyBytes: 1_048_576,
})

export const activateRfxVersion = operation({
  method: 'post',
  path: '/nokkel/rfx/groups/{id}/versions/{attemptId}/activate',
  tags,
  summary:
    'Put the next version in force, if it is wrapped to exactly those who are in the group and have a key, less those omitted',
  request: {
    params: z.strictObject({ id: Uuid, attemptId: Uuid }),
    body: z.strictObject({
      omitted: z.array(Uuid).max(10_000).default([]).openapi({
        description: 'Members whose key could not be used: they are left out, and wait for it.',
      }),
    }),
  },
  responses: { 200: z.strictObject({ version: Version }) },
  maximumBodyBytes: 1_048_576,
})

export const reportBrokenWrap = operation({
  method: 'post',
  path: '/nokkel/rfx/groups/{id}/wraps/broken',
  tags,
  summary: 'Say that what is wrapped to oneself does not open: it is taken away, and one waits for another',
  request: { params: ofRfx, body: z.strictObject({ version: Version }) },
  responses: { 204: null },
})

export const findRfxSigners = operation({
  method: 'post',
  path: '/nokkel/rfx/{id}/signers',
  tags,
  summary: 'Whose devices have signed, by thumbprint',
  request: { params: ofRfx, body: z.strictObject({ thumbprints: z.array(Thumbprint).min(1).max(200) }) },
  responses: { 200: z.strictObject({ signers: z.array(RfxSigner) }) },
})

export const checkRfx = operation({
  method: 'get',
  path: '/nokkel/rfx/{id}/check',
  tags,
  summary: 'What is wrong with keys and manifests of the project, nothing if all is well; for buyers and developers',
  request: { params: ofRfx },
  responses: { 200: z.strictObject({ faults: z.array(RfxFault), checkedAt: Instant }) },
})

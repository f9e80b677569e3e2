import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { base64Url, Cursor, compactJws, Instant, PublicJwk, pageQuery, Thumbprint, Uuid } from './scalars.ts'

export const RfxStatus = z.enum(['draft', 'in_review', 'approved', 'closed'])
export type RfxStatus = z.infer<typeof RfxStatus>
export const RfxRole = z.enum(['buyer', 'developer', 'supplier'])
export type RfxRole = z.infer<typeof RfxRole>
export const RfxEntryKind = z.enum(['title', 'specification', 'comment', 'document', 'removal'])
export type RfxEntryKind = z.infer<typeof RfxEntryKind>

/** Most wraps in one revision of a manifest. */
export const MAXIMUM_WRAPS = 500
/** Largest encrypted entry or bid, bytes. */
export const MAXIMUM_ENTRY_BYTES = 1_048_576

const tags: ['RFX'] = ['RFX']
/** What the database counts with. */
const MAXIMUM_COUNT = 2_147_483_647
const Version = z.int().min(1).max(MAXIMUM_COUNT)
const Digest = base64Url(32, 32)
const Statement = compactJws(8192)
/** A content key or key of 32 bytes in an envelope. */
const WrappedContentKey = base64Url(80, 80)
const Content = base64Url(48, MAXIMUM_ENTRY_BYTES)
const ofRfx = z.strictObject({ id: Uuid })
const ofCompany = z.strictObject({ id: Uuid, companyId: Uuid })
const ofUser = z.strictObject({ id: Uuid, userId: Uuid })
const ofEntry = z.strictObject({ id: Uuid, sequence: z.coerce.number().int().min(1).max(MAXIMUM_COUNT) })
const ofBid = z.strictObject({ id: Uuid, bidId: Uuid })

/** The key of a group wrapped to one of its members: RSA-OAEP, 512 bytes as base64 with padding. */
export const RfxWrap = z
  .strictObject({
    owner: z.enum(['user', 'company']),
    ownerId: Uuid,
    role: RfxRole,
    keyId: Uuid,
    thumbprint: Thumbprint,
    encryptedSymmetricKey: z.string().length(684),
  })
  .openapi('RfxWrap')
export type RfxWrap = z.infer<typeof RfxWrap>

/** A revision of a manifest with the wraps it lists. docs/spec/rfx.md */
const RfxWraps = z.strictObject({ statement: Statement, wraps: z.array(RfxWrap).min(1).max(MAXIMUM_WRAPS) })

const EntryContent = {
  sequence: z.int().min(1).max(MAXIMUM_COUNT),
  version: Version.openapi({ description: 'Of the key that wraps the content key.' }),
  wrappedKey: WrappedContentKey.nullable(),
  content: Content.nullable(),
  statement: Statement,
}

/** An entry as it is written; kind, object and revision stand in the statement. */
const NewRfxEntry = z.strictObject({ ...EntryContent, blobs: z.array(Uuid).max(1) })

export const RfxEntry = z
  .strictObject({
    ...EntryContent,
    kind: RfxEntryKind,
    objectId: Uuid,
    revision: z.int().min(1),
    author: z.strictObject({ id: Uuid, name: z.string().nullable(), role: RfxRole.nullable() }).openapi({
      description: 'Without a name when it is not for this person to know.',
    }),
    createdAt: Instant,
    replaced: z.strictObject({ version: Version, wrappedKey: WrappedContentKey }).nullable().openapi({
      description: 'The content key as it stood before it was moved to the version it is under now, for thirty days.',
    }),
  })
  .openapi('RfxEntry')
export type RfxEntry = z.infer<typeof RfxEntry>

/** How many of a group have its key. */
export const RfxCoverage = z.strictObject({ wrapped: z.int(), missing: z.int(), noKey: z.int() }).openapi('RfxCoverage')
export type RfxCoverage = z.infer<typeof RfxCoverage>

export const RfxSummary = z
  .strictObject({
    id: Uuid,
    company: z.strictObject({ id: Uuid, name: z.string() }),
    status: RfxStatus,
    role: RfxRole.openapi({ description: 'Of the person.' }),
    deadline: Instant.nullable(),
    version: Version,
    rekeyPending: z.boolean(),
    via: z.enum(['user', 'company']).nullable().openapi({
      description: 'Whose wrap the person reads through; null while the key has not reached them.',
    }),
    missing: z
      .int()
      .openapi({ description: 'How many wait for the key and have one to wrap to; for those who may wrap.' }),
    stale: z.int().openapi({ description: 'Content keys that an earlier version wraps, at most 1000.' }),
    head: z
      .strictObject({ sequence: z.int(), digest: Digest })
      .nullable()
      .openapi({ description: 'The newest entry.' }),
    title: z.strictObject(EntryContent).nullable(),
    createdAt: Instant,
    createdBy: Uuid.nullable(),
    sentAt: Instant.nullable(),
    approvedAt: Instant.nullable(),
    closedAt: Instant.nullable(),
  })
  .openapi('RfxSummary')
export type RfxSummary = z.infer<typeof RfxSummary>

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

export const Rfx = z
  .strictObject({
    ...RfxSummary.shape,
    createdByName: z.string().nullable(),
    suppliers: z.array(z.strictObject({ id: Uuid, name: z.string(), invitedAt: Instant })).openapi({
      description: 'For suppliers only their own company.',
    }),
    excluded: z.array(z.strictObject({ id: Uuid, name: z.string() })),
    openers: z.array(z.strictObject({ id: Uuid, name: z.string() })),
    groups: z.array(RfxGroup).openapi({ description: 'The project first, then those the person is in or seals to.' }),
    mayNameOpeners: z.boolean(),
    serverTime: Instant,
  })
  .openapi('Rfx')
export type Rfx = z.infer<typeof Rfx>

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

export const RfxBid = z
  .strictObject({
    id: Uuid,
    company: z.strictObject({ id: Uuid, name: z.string() }),
    state: z.enum(['begun', 'submitted', 'withdrawn']),
    revision: z.int(),
    mine: z.boolean(),
    submittedAt: Instant.nullable(),
    openedAt: Instant.nullable(),
    authorId: Uuid.nullable(),
    content: Content.nullable(),
    sealedPart: base64Url(133, 133).nullable(),
    openingVersion: Version.nullable(),
    ownKey: WrappedContentKey.nullable().openapi({ description: 'For the bidder.' }),
    ownVersion: Version.nullable(),
    statement: Statement.nullable(),
  })
  .openapi('RfxBid')
export type RfxBid = z.infer<typeof RfxBid>

// Life ------------------------------------------------------------------------------------------------------------------

export const createRfx = operation({
  method: 'post',
  path: '/nokkel/rfx',
  tags,
  summary:
    'Create a project of a company the person is in: with its key, wrapped and signed, and its title, or not at all; the same again changes nothing',
  request: {
    body: z.strictObject({ id: Uuid, companyId: Uuid, manifest: RfxWraps, title: NewRfxEntry }),
  },
  responses: { 201: Rfx },
  maximumBodyBytes: 1_048_576,
})

export const listRfx = operation({
  method: 'get',
  path: '/nokkel/rfx',
  tags,
  summary: 'The projects the person is in now, newest first',
  request: { query: z.strictObject(pageQuery) },
  responses: { 200: z.strictObject({ rfx: z.array(RfxSummary), nextCursor: Cursor.optional() }) },
})

export const getRfx = operation({
  method: 'get',
  path: '/nokkel/rfx/{id}',
  tags,
  summary: 'A project with what is needed to open it',
  request: { params: ofRfx },
  responses: { 200: Rfx },
})

export const deleteRfx = operation({
  method: 'delete',
  path: '/nokkel/rfx/{id}',
  tags,
  summary: 'Delete a draft; for buyers',
  request: { params: ofRfx },
  responses: { 204: null },
})

export const changeRfxStatus = operation({
  method: 'put',
  path: '/nokkel/rfx/{id}/status',
  tags,
  summary:
    'Send for review (buyers), approve (developers) or close (buyers, not before the deadline); the same again changes nothing',
  request: {
    params: ofRfx,
    body: z.strictObject({
      status: z.enum(['in_review', 'approved', 'closed']),
      sequence: z.int().min(0).optional().openapi({
        description: 'The newest entry the person has seen: refused when something was written since.',
      }),
    }),
  },
  responses: { 200: Rfx },
})

// RFC 3339 allows the year 0, which Postgres does not have, and offsets that lead past 9999.
const hasFourDigitYear = (instant: string) => {
  const year = new Date(instant).getUTCFullYear()
  return year >= 1 && year <= 9999
}

export const setRfxDeadline = operation({
  method: 'put',
  path: '/nokkel/rfx/{id}/deadline',
  tags,
  summary:
    'Set when bids open, at most two years ahead; for buyers, once the project is approved for those who may name openers, and only to a later time',
  request: { params: ofRfx, body: z.strictObject({ deadline: Instant.refine(hasFourDigitYear).nullable() }) },
  responses: { 200: Rfx },
})

export const inviteSupplier = operation({
  method: 'put',
  path: '/nokkel/rfx/{id}/suppliers/{companyId}',
  tags,
  summary: 'Invite a company; it sees the project once a developer has approved it; for buyers',
  request: { params: ofCompany },
  responses: { 204: null },
})

export const withdrawSupplier = operation({
  method: 'delete',
  path: '/nokkel/rfx/{id}/suppliers/{companyId}',
  tags,
  summary: 'Withdraw an invitation, with the bid of the company; not after the deadline; for buyers',
  request: { params: ofCompany },
  responses: { 204: null },
})

export const excludeRfxMember = operation({
  method: 'put',
  path: '/nokkel/rfx/{id}/excluded/{userId}',
  tags,
  summary: 'Keep somebody out of the project at once, whatever they are in; for buyers',
  request: { params: ofUser },
  responses: { 204: null },
})

export const readmitRfxMember = operation({
  method: 'delete',
  path: '/nokkel/rfx/{id}/excluded/{userId}',
  tags,
  summary: 'Let somebody back in; for buyers',
  request: { params: ofUser },
  responses: { 204: null },
})

export const nameOpener = operation({
  method: 'put',
  path: '/nokkel/rfx/{id}/openers/{userId}',
  tags,
  summary:
    'Name a buyer who may open bids after the deadline; for who made the project and administrators of its company',
  request: { params: ofUser },
  responses: { 204: null },
})

export const dismissOpener = operation({
  method: 'delete',
  path: '/nokkel/rfx/{id}/openers/{userId}',
  tags,
  summary: 'Take that right away again; one opener must stay while there is a deadline',
  request: { params: ofUser },
  responses: { 204: null },
})

// Keys ------------------------------------------------------------------------------------------------------------------

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

// Content ----------------------------------------------------------------------------------------------------------------

export const addRfxEntry = operation({
  method: 'post',
  path: '/nokkel/rfx/{id}/entries',
  tags,
  summary: 'Write the next entry; the same again changes nothing',
  request: { params: ofRfx, body: NewRfxEntry },
  responses: { 201: RfxEntry },
  maximumBodyBytes: 1_572_864,
})

export const listRfxEntries = operation({
  method: 'get',
  path: '/nokkel/rfx/{id}/entries',
  tags,
  summary: 'Entries, newest first',
  request: {
    params: ofRfx,
    query: z.strictObject({
      before: z.coerce.number().int().min(1).max(MAXIMUM_COUNT).optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: z.strictObject({ entries: z.array(RfxEntry) }) },
})

export const getRfxEntry = operation({
  method: 'get',
  path: '/nokkel/rfx/{id}/entries/{sequence}',
  tags,
  summary: 'One entry',
  request: { params: ofEntry },
  responses: { 200: RfxEntry },
})

export const listStaleContentKeys = operation({
  method: 'get',
  path: '/nokkel/rfx/{id}/content-keys',
  tags,
  summary: 'Content keys that an earlier version of the key wraps; for those who may wrap',
  request: {
    params: ofRfx,
    query: z.strictObject({
      after: z.coerce.number().int().min(0).max(MAXIMUM_COUNT).default(0),
      limit: z.coerce.number().int().min(1).max(1000).default(1000),
    }),
  },
  responses: {
    200: z.strictObject({
      keys: z.array(z.strictObject({ sequence: z.int(), version: Version, wrappedKey: WrappedContentKey })),
    }),
  },
})

export const moveContentKeys = operation({
  method: 'post',
  path: '/nokkel/rfx/{id}/content-keys',
  tags,
  summary: 'Put content keys under the present version, each in the place of the one it was made from',
  request: {
    params: ofRfx,
    body: z.strictObject({
      version: Version,
      keys: z
        .array(z.strictObject({ sequence: EntryContent.sequence, old: WrappedContentKey, new: WrappedContentKey }))
        .min(1)
        .max(1000),
    }),
  },
  responses: { 200: z.strictObject({ moved: z.int() }) },
  maximumBodyBytes: 1_048_576,
})

// Bids -------------------------------------------------------------------------------------------------------------------

export const beginBid = operation({
  method: 'post',
  path: '/nokkel/rfx/{id}/bids',
  tags,
  summary: 'Begin the bid of a company, and get the server’s part of its key; for its people',
  request: { params: ofRfx, body: z.strictObject({ bidId: Uuid, companyId: Uuid }) },
  responses: { 201: z.strictObject({ bidId: Uuid, serverPart: base64Url(32, 32) }) },
})

export const submitBid = operation({
  method: 'put',
  path: '/nokkel/rfx/{id}/bids/{bidId}',
  tags,
  summary: 'Submit a sealed bid, in place of the one before; until the deadline',
  request: {
    params: ofBid,
    body: z.strictObject({
      companyId: Uuid,
      content: Content,
      sealedPart: base64Url(133, 133),
      openingVersion: Version,
      ownKey: WrappedContentKey,
      ownVersion: Version,
      statement: Statement,
      blobs: z.array(Uuid).max(50),
    }),
  },
  responses: { 200: RfxBid },
  maximumBodyBytes: 1_572_864,
})

export const withdrawBid = operation({
  method: 'delete',
  path: '/nokkel/rfx/{id}/bids/companies/{companyId}',
  tags,
  summary: 'Withdraw the bid of a company; until the deadline',
  request: { params: ofCompany },
  responses: { 204: null },
})

export const listBids = operation({
  method: 'get',
  path: '/nokkel/rfx/{id}/bids',
  tags,
  summary: 'One’s own bid, and for openers after the deadline every one',
  request: { params: ofRfx },
  responses: { 200: z.strictObject({ bids: z.array(RfxBid) }) },
})

export const releaseBidPart = operation({
  method: 'post',
  path: '/nokkel/rfx/{id}/bids/{bidId}/release',
  tags,
  summary: 'The server’s part of the key of a bid: for the bidder, and for openers after the deadline; recorded',
  request: { params: ofBid },
  responses: { 200: z.strictObject({ serverPart: base64Url(32, 32) }) },
})

export const moveBidKey = operation({
  method: 'post',
  path: '/nokkel/rfx/{id}/bids/{bidId}/own-key',
  tags,
  summary: 'Put the bidder’s own key of a bid under the present version of their group',
  request: {
    params: ofBid,
    body: z.strictObject({ version: Version, old: WrappedContentKey, new: WrappedContentKey }),
  },
  responses: { 200: z.strictObject({ moved: z.boolean() }) },
})

// Developers ---------------------------------------------------------------------------------------------------------------

export const listDevelopers = operation({
  method: 'get',
  path: '/nokkel/developers',
  tags,
  summary: 'Who reviews projects in the organisation',
  responses: { 200: z.strictObject({ developers: z.array(z.strictObject({ id: Uuid, name: z.string() })) }) },
})

export const nameDeveloper = operation({
  method: 'put',
  path: '/nokkel/developers/{userId}',
  tags,
  summary: 'Make a member a developer; for administrators of the organisation',
  request: { params: z.strictObject({ userId: Uuid }) },
  responses: { 204: null },
})

export const dismissDeveloper = operation({
  method: 'delete',
  path: '/nokkel/developers/{userId}',
  tags,
  summary: 'Make them one no longer, at once; for administrators of the organisation',
  request: { params: z.strictObject({ userId: Uuid }) },
  responses: { 204: null },
})

import { z } from '@hono/zod-openapi'
import { operation } from '../operation.ts'
import { base64Url, Instant, Uuid } from '../scalars.ts'
import { Content, ofBid, ofCompany, ofRfx, Statement, tags, Version, WrappedContentKey } from './parts.ts'

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

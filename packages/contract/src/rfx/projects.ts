import { z } from '@hono/zod-openapi'
import { operation } from '../operation.ts'
import { Cursor, Instant, pageQuery, Uuid } from '../scalars.ts'
import { RfxGroup } from './keys.ts'
import {
  Digest,
  EntryContent,
  NewRfxEntry,
  ofCompany,
  ofRfx,
  ofUser,
  RfxRole,
  RfxStatus,
  RfxWraps,
  tags,
  Version,
} from './parts.ts'

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

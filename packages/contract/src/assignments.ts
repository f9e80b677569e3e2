import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { base64Url, Cursor, compactJws, Instant, PublicJwk, pageQuery, Thumbprint, Uuid } from './scalars.ts'

/** Largest sealed content of an assignment (title, body, file list), bytes. */
const MAXIMUM_CONTENT_BYTES = 524_288
/** Most devices one assignment is sealed to. */
const MAXIMUM_RECIPIENT_DEVICES = 1000

const WrappedKey = z.strictObject({
  userId: Uuid,
  deviceId: Uuid,
  wrappedKey: base64Url(100, 300),
})
const Statement = compactJws(131_072).openapi({
  description: 'typ nokkel-assignment+jwt; see docs/spec/assignment.md.',
})

/** How far an assignment has come with one recipient. */
const DeliveryState = z.enum(['sent', 'fetched', 'opened', 'unreadable']).openapi('DeliveryState', {
  description: 'unreadable: none of the active devices of the person can open it, or the person has no device now.',
})

export const Delivery = z
  .strictObject({
    userId: Uuid,
    name: z.string(),
    state: DeliveryState,
    fetchedAt: Instant.nullable(),
    openedAt: Instant.nullable(),
    hasActiveDevice: z.boolean(),
  })
  .openapi('Delivery')
export type Delivery = z.infer<typeof Delivery>

export const AssignmentSummary = z
  .strictObject({
    id: Uuid,
    organizationId: Uuid,
    sender: z.strictObject({ id: Uuid, name: z.string().nullable() }),
    sentAt: Instant,
    revision: z.int(),
    byteLength: z.int(),
    fileCount: z.int(),
    readable: z.boolean().openapi({
      description: 'Whether the device of this session has a key for it.',
    }),
    openedAt: Instant.nullable(),
    deliveries: z.array(Delivery).optional().openapi({ description: 'For the sender only.' }),
  })
  .openapi('AssignmentSummary')
export type AssignmentSummary = z.infer<typeof AssignmentSummary>

export const Assignment = AssignmentSummary.extend({
  content: base64Url(1, MAXIMUM_CONTENT_BYTES),
  statement: Statement,
  key: WrappedKey.nullable().openapi({
    description: 'The key wrapped to the device of this session, if there is one.',
  }),
  signer: z
    .strictObject({
      deviceId: Uuid,
      userId: Uuid,
      signingKey: PublicJwk,
      thumbprint: Thumbprint,
      validFrom: Instant,
      validUntil: Instant.nullable(),
    })
    .openapi({
      description: 'What the directory says of the key that signed the statement.',
    }),
}).openapi('Assignment')
export type Assignment = z.infer<typeof Assignment>

export const sendAssignment = operation({
  method: 'post',
  path: '/nokkel/assignments',
  tags: ['Assignments'],
  summary: 'Send an assignment: all of it or nothing; sending the same one again changes nothing',
  request: {
    body: z.strictObject({
      id: Uuid,
      content: base64Url(1, MAXIMUM_CONTENT_BYTES),
      statement: Statement,
      keys: z.array(WrappedKey).min(2).max(MAXIMUM_RECIPIENT_DEVICES),
      blobs: z.array(Uuid).max(50),
    }),
  },
  responses: { 201: AssignmentSummary },
  maximumBodyBytes: 2_097_152,
})

export const readdressAssignment = operation({
  method: 'post',
  path: '/nokkel/assignments/{id}/keys',
  tags: ['Assignments'],
  summary: 'Send again: replace the whole set of wrapped keys by the next revision',
  request: {
    params: z.strictObject({ id: Uuid }),
    body: z.strictObject({
      statement: Statement,
      keys: z.array(WrappedKey).min(2).max(MAXIMUM_RECIPIENT_DEVICES),
    }),
  },
  responses: { 200: AssignmentSummary },
  maximumBodyBytes: 2_097_152,
})

export const listAssignments = operation({
  method: 'get',
  path: '/nokkel/assignments',
  tags: ['Assignments'],
  summary: 'Assignments received or sent, newest first',
  request: {
    query: z.strictObject({
      ...pageQuery,
      box: z.enum(['inbox', 'sent']).default('inbox'),
    }),
  },
  responses: {
    200: z.strictObject({
      assignments: z.array(AssignmentSummary),
      nextCursor: Cursor.optional(),
    }),
  },
})

export const getAssignment = operation({
  method: 'get',
  path: '/nokkel/assignments/{id}',
  tags: ['Assignments'],
  summary: 'One assignment, sealed, with the key wrapped to this device; marks it fetched for a recipient',
  request: { params: z.strictObject({ id: Uuid }) },
  responses: { 200: Assignment },
})

export const markAssignmentOpened = operation({
  method: 'post',
  path: '/nokkel/assignments/{id}/opened',
  tags: ['Assignments'],
  summary: 'Say that this device has opened it',
  request: { params: z.strictObject({ id: Uuid }) },
  responses: { 204: null },
})

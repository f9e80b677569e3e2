import { z } from '@hono/zod-openapi'
import { operation } from '../operation.ts'
import { Instant, MAXIMUM_INTEGER, Uuid } from '../scalars.ts'
import { EntryContent, NewRfxEntry, ofEntry, ofRfx, RfxRole, tags, Version, WrappedContentKey } from './parts.ts'

export const RfxEntryKind = z.enum(['title', 'specification', 'comment', 'document', 'removal'])
export type RfxEntryKind = z.infer<typeof RfxEntryKind>

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
      before: z.coerce.number().int().min(1).max(MAXIMUM_INTEGER).optional(),
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
      after: z.coerce.number().int().min(0).max(MAXIMUM_INTEGER).default(0),
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

import { z } from '@hono/zod-openapi'
import { operation } from './operation.ts'
import { Uuid } from './scalars.ts'

/** Largest stored chunk, bytes. */
export const MAXIMUM_CHUNK_BYTES = 1_048_576
/** Largest stored file, bytes. */
const MAXIMUM_BLOB_BYTES = 4_294_967_296

const chunkParams = z.strictObject({
  id: Uuid,
  index: z.coerce.number().int().min(0).max(8191),
})

export const createBlob = operation({
  method: 'post',
  path: '/nokkel/blobs',
  tags: ['Files'],
  summary: 'Announce a sealed file; the id is made by the sender, and announcing the same file twice changes nothing',
  request: {
    body: z.strictObject({
      id: Uuid,
      byteLength: z.int().min(1).max(MAXIMUM_BLOB_BYTES),
      chunkCount: z.int().min(1).max(8192),
    }),
  },
  responses: { 201: z.strictObject({ id: Uuid, received: z.array(z.int()) }) },
})

export const putBlobChunk = operation({
  method: 'put',
  path: '/nokkel/blobs/{id}/chunks/{index}',
  tags: ['Files'],
  summary: 'Store one sealed chunk; putting the same index again before the file is sent replaces it',
  request: { params: chunkParams, bytes: { maximum: MAXIMUM_CHUNK_BYTES } },
  responses: { 204: null },
})

export const getBlobChunk = operation({
  method: 'get',
  path: '/nokkel/blobs/{id}/chunks/{index}',
  tags: ['Files'],
  summary: 'One sealed chunk of a file',
  request: { params: chunkParams },
  responses: { 200: 'bytes' },
})

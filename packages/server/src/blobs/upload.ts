import type { AnswerOf, createBlob as createOperation, ParsedOf } from '@nokkel/contract'
import type { Database } from '../db/database.ts'
import { type Claims, withClaims } from '../db/with-claims.ts'
import { ServerError } from '../http/server-error.ts'
import { isSealedFile, storedChunkByteLength } from './layout.ts'
import { findOwnFile, insertFile, lockPendingFiles, selectReceived, upsertChunk } from './store.ts'

/** Most bytes a person may have announced and not yet sent. */
export const PENDING_BYTES_QUOTA = 8 * 1024 ** 3

/**
 * Announces a sealed file. The same file again changes nothing and tells which chunks are here.
 *
 * @throws {ServerError} `request_malformed`: no sealed file of this size has so many chunks. `conflict`: the id stands
 * for something else. `blob_quota_exceeded`. `forbidden`: for members who are in no company and review no projects.
 */
export async function announceFile(
  database: Database,
  claims: Claims,
  { id, byteLength, chunkCount }: ParsedOf<typeof createOperation>['body'],
): Promise<AnswerOf<typeof createOperation>> {
  if (!isSealedFile({ byteLength, chunkCount })) throw new ServerError('request_malformed', { detail: 'chunkCount' })
  return withClaims(database, claims, async (transaction) => {
    const pending = await lockPendingFiles(transaction, claims.sub)
    const announced = await findOwnFile(transaction, claims.sub, id)
    if (announced) {
      if (announced.byteLength !== byteLength || announced.chunkCount !== chunkCount) throw new ServerError('conflict')
      return { id, received: await selectReceived(transaction, id) }
    }
    if (pending + byteLength > PENDING_BYTES_QUOTA) {
      throw new ServerError('blob_quota_exceeded', { data: { quota: PENDING_BYTES_QUOTA, pending } })
    }
    const file = { id, byteLength, chunkCount, organizationId: claims.organization, ownerId: claims.sub }
    if (!(await insertFile(transaction, file))) throw new ServerError('conflict')
    return { id, received: [] }
  })
}

/**
 * Stores one sealed chunk, in place of what stood at its index.
 *
 * @throws {ServerError} `not_found`: not a file this person announced, or no such index. `blob_sealed`: the file is
 * sent. `request_malformed`: not the size this chunk has.
 */
export async function storeChunk(
  database: Database,
  claims: Claims,
  { id, index }: { readonly id: string; readonly index: number },
  bytes: Uint8Array,
): Promise<void> {
  await withClaims(database, claims, async (transaction) => {
    const file = await findOwnFile(transaction, claims.sub, id)
    if (!file || index >= file.chunkCount) throw new ServerError('not_found')
    if (file.isSent) throw new ServerError('blob_sealed')
    const byteLength = storedChunkByteLength(file, index)
    if (bytes.byteLength !== byteLength) {
      throw new ServerError('request_malformed', { detail: `This chunk has ${byteLength} bytes.` })
    }
    if (!(await upsertChunk(transaction, id, index, bytes))) throw new ServerError('blob_sealed')
  })
}

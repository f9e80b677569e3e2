import type { Context } from '@nokkel/crypto'

export function fileContext(blobId: string, senderUserId: string): Context {
  return { purpose: 'assignment-file', table: 'blob_chunk', column: 'bytes', row: blobId, owner: senderUserId }
}

import {
  type AssignmentFile,
  type Bytes,
  chunkCount,
  encryptStream,
  FILE_CHUNK_BYTE_LENGTH,
  generateContentKey,
  sealedByteLength,
} from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import { fileContext } from './file-context.ts'

/** A file to send: a browser `File`, or anything with its members. */
export interface OutgoingFile {
  readonly name: string
  /** Media type; may be empty. */
  readonly type: string
  /** Bytes. */
  readonly size: number
  stream(): ReadableStream<Uint8Array>
}

interface UploadOptions {
  readonly call: Call
  readonly blobId: string
  readonly senderUserId: string
  readonly signal?: AbortSignal | undefined
  /** Told of the bytes of the file in each chunk that was stored. */
  readonly onChunk: (byteLength: number) => void
}

/**
 * Encrypts a file as it is read and stores it chunk by chunk; while one chunk is sent, the next is encrypted, and no more
 * are held. Begun again with the same blob id it replaces what was stored.
 */
export async function uploadFile(file: OutgoingFile, options: UploadOptions): Promise<AssignmentFile> {
  const { call, blobId, senderUserId, signal, onChunk } = options
  const count = chunkCount(file.size)
  await call(
    'createBlob',
    { body: { id: blobId, byteLength: sealedByteLength(file.size), chunkCount: count } },
    { signal },
  )

  const key = generateContentKey()
  const digests = new Uint8Array(count * 32)
  const onDigest = (digest: Uint8Array, index: number) => digests.set(digest, index * 32)
  const sealed = file
    .stream()
    .pipeThrough(limitTo(file.size))
    .pipeThrough(encryptStream({ key, context: fileContext(blobId, senderUserId), onDigest }))

  let sending: Promise<void> = Promise.resolve()
  let index = 0
  const put = async (bytes: Bytes, at: number) => {
    await call('putBlobChunk', { params: { id: blobId, index: at }, bytes }, { signal })
    onChunk(Math.min(FILE_CHUNK_BYTE_LENGTH, file.size - at * FILE_CHUNK_BYTE_LENGTH))
  }
  for await (const bytes of chunksOf(sealed)) {
    await sending
    sending = put(bytes, index++)
    // Awaited in the next round; until then nobody else would notice that it failed.
    sending.catch(() => {})
  }
  await sending
  return { blobId, name: file.name, type: file.type, byteLength: file.size, key, digests }
}

/** Fails when a file has changed size since it was announced. */
function limitTo(byteLength: number): TransformStream<Uint8Array, Uint8Array> {
  let seen = 0
  const changed = () => new NokkelError('file_changed')
  return new TransformStream({
    transform(bytes, controller) {
      seen += bytes.byteLength
      if (seen > byteLength) throw changed()
      controller.enqueue(bytes)
    },
    flush() {
      if (seen !== byteLength) throw changed()
    },
  })
}

/** `for await` over a stream, also where streams cannot be iterated (Safari); leaving early cancels it. */
async function* chunksOf<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

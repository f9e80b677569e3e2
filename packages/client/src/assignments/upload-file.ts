import {
  type AssignmentFile,
  type Bytes,
  type ContentKey,
  type Context,
  chunkCount,
  encryptStream,
  FILE_CHUNK_BYTE_LENGTH,
  generateContentKey,
  sealedByteLength,
} from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import { fileContext } from './file-context.ts'

const digestByteLength = 32

/** A file to send: a browser `File`, or anything with its members. */
export interface OutgoingFile {
  readonly name: string
  /** Media type; may be empty. */
  readonly type: string
  /** Bytes. */
  readonly size: number
  /** Milliseconds since 1970. Tells an interrupted upload whether it is the same file. */
  readonly lastModified?: number
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

interface SendChunksOptions extends Omit<UploadOptions, 'senderUserId'> {
  readonly key: ContentKey
  readonly context: Context
  /** Of an upload that may be made again. Default: a fresh one. */
  readonly salt?: Uint8Array
  /** Asked of each chunk in order: whether it is to be sent. Default: all are. */
  readonly beforeChunk?: (digest: Uint8Array, index: number) => Promise<boolean>
}

/** Encrypts and stores a file under a fresh key. Begun again with the same blob id it replaces what was stored. */
export async function uploadFile(file: OutgoingFile, options: UploadOptions): Promise<AssignmentFile> {
  const { call, blobId, senderUserId, signal, onChunk } = options
  await announceFile(call, blobId, file.size, signal)
  const context = fileContext(blobId, senderUserId)
  return sendChunks(file, { call, blobId, key: generateContentKey(), context, signal, onChunk })
}

/** Announces a file. Gives the indexes of the chunks of it that are stored already. */
export async function announceFile(
  call: Call,
  blobId: string,
  byteLength: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<number>> {
  const body = { id: blobId, byteLength: sealedByteLength(byteLength), chunkCount: chunkCount(byteLength) }
  const { received } = await call('createBlob', { body }, { signal })
  return new Set(received)
}

/**
 * Encrypts an announced file as it is read and stores it chunk by chunk; while one chunk is sent, the next is
 * encrypted, and no more are held.
 */
export async function sendChunks(file: OutgoingFile, options: SendChunksOptions): Promise<AssignmentFile> {
  const { call, blobId, key, context, salt, signal, onChunk, beforeChunk = async () => true } = options
  const digests = new Uint8Array(chunkCount(file.size) * digestByteLength)
  const onDigest = (digest: Uint8Array, index: number) => digests.set(digest, index * digestByteLength)
  const sealed = file
    .stream()
    .pipeThrough(limitTo(file.size))
    .pipeThrough(encryptStream({ key, context, onDigest, ...(salt && { resumeSalt: salt }) }))

  let sending: Promise<void> = Promise.resolve()
  let index = 0
  const byteLengthOf = (at: number) => Math.min(FILE_CHUNK_BYTE_LENGTH, file.size - at * FILE_CHUNK_BYTE_LENGTH)
  const put = async (bytes: Bytes, at: number) => {
    await call('putBlobChunk', { params: { id: blobId, index: at }, bytes }, { signal })
    onChunk(byteLengthOf(at))
  }
  for await (const bytes of chunksOf(sealed)) {
    if (signal?.aborted) throw new NokkelError('cancelled', { cause: signal.reason })
    const at = index++
    const digest = digests.slice(at * digestByteLength, (at + 1) * digestByteLength)
    const wanted = await beforeChunk(digest, at)
    await sending
    if (!wanted) {
      onChunk(byteLengthOf(at))
      continue
    }
    sending = put(bytes, at)
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
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw isUnreadable(cause) ? new NokkelError('file_changed', { cause }) : cause
      })
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** What browsers say of a file that was changed or removed after it was chosen. */
function isUnreadable(cause: unknown): boolean {
  return cause instanceof DOMException && (cause.name === 'NotReadableError' || cause.name === 'NotFoundError')
}

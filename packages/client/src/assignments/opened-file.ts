import { type AssignmentFile, type Context, CryptoError, chunkCount, decryptStream } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import type { Call } from '../http/api.ts'
import { saveFile } from './save-file.ts'

export interface FileOptions {
  readonly signal?: AbortSignal
  /** Called with the bytes decrypted so far, and the whole. */
  readonly onProgress?: (bytes: number, total: number) => void
}

/**
 * A file of an opened assignment, project or bid. Nothing of it is fetched before it is asked for.
 *
 * @example
 * ```ts
 * const { assignments } = createNokkel({ organization: 'likeperson' })
 * const { files } = await assignments.open('5eed0000-0000-4000-8000-000000000001')
 * for (const file of files) await file.download({ onProgress: (bytes, total) => console.log(bytes / total) })
 * ```
 */
export interface OpenedFile {
  /** As the sender named it: text to show, never a path. */
  readonly name: string
  readonly type: string
  /** Bytes. */
  readonly byteLength: number
  /**
   * Fetches and decrypts as it is read, in constant memory. Errors with a {@link NokkelError} `file_damaged` at the
   * first fault; what came before is authentic, but whole only when the stream ends without an error.
   */
  stream(options?: FileOptions): ReadableStream<Uint8Array<ArrayBuffer>>
  /** The whole file in memory. */
  blob(options?: FileOptions): Promise<Blob>
  /** Saves it where the browser saves downloads. */
  download(options?: FileOptions): Promise<void>
}

export function createOpenedFile(call: Call, context: Context, file: AssignmentFile): OpenedFile {
  const { blobId, name, type, byteLength, key, digests } = file
  const count = chunkCount(byteLength)

  const stream = ({ signal, onProgress }: FileOptions = {}) => {
    let index = 0
    const sealed = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          controller.enqueue(await call('getBlobChunk', { params: { id: blobId, index } }, { signal }))
          if (++index === count) controller.close()
        },
      },
      { highWaterMark: 1 },
    )
    return withProgress(sealed.pipeThrough(decryptStream({ key, context, digests })), byteLength, onProgress)
  }
  const blob = async (options?: FileOptions) => {
    const whole = await new Response(stream(options)).blob().catch((cause: unknown) => {
      throw cause instanceof NokkelError ? cause : new NokkelError('file_damaged', { cause })
    })
    return new Blob([whole], { type })
  }
  return {
    name,
    type,
    byteLength,
    stream,
    blob,
    download: (options) => saveFile({ name, byteLength, stream, blob }, options),
  }
}

/** Passes decrypted bytes on, counts them, and gives every fault the one code callers know. */
function withProgress(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  total: number,
  onProgress?: (bytes: number, total: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = source.getReader()
  let bytes = 0
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) return controller.close()
          bytes += value.byteLength
          onProgress?.(bytes, total)
          controller.enqueue(value)
        } catch (cause) {
          throw cause instanceof CryptoError || isMissing(cause) ? new NokkelError('file_damaged', { cause }) : cause
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

function isMissing(cause: unknown): boolean {
  return cause instanceof NokkelError && cause.code === 'not_found'
}

import { type Bytes, concatBytes } from '../bytes.ts'

export function streamOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = [...parts]
  return new ReadableStream({
    pull(controller) {
      const next = rest.shift()
      if (next) controller.enqueue(next)
      else controller.close()
    },
  })
}

/** The same bytes in pieces of the given size. */
export function piecesOf(bytes: Uint8Array, byteLength: number): Uint8Array[] {
  const count = Math.ceil(bytes.byteLength / byteLength)
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * byteLength, (index + 1) * byteLength))
}

/** Everything that came out of a stream, and the error it ended with, if it did. */
export async function drain(stream: ReadableStream<Uint8Array>): Promise<{ chunks: Uint8Array[]; error: unknown }> {
  const chunks: Uint8Array[] = []
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return { chunks, error: undefined }
      chunks.push(value)
    }
  } catch (error) {
    return { chunks, error }
  }
}

export async function collect(stream: ReadableStream<Uint8Array>): Promise<Bytes> {
  const { chunks, error } = await drain(stream)
  if (error !== undefined) throw error
  return concatBytes(...chunks)
}

import { assertBytes, type Bytes } from './bytes.ts'

export interface Piece {
  /** Valid until `inFlightMaximum` more pieces have been asked for; then the memory is used again. */
  readonly bytes: Bytes
  readonly index: number
  readonly last: boolean
}

const inFlightMaximum = 3

/**
 * Cuts a byte stream into pieces of exactly `byteLengthOf(index)` bytes, however it arrives. A piece is held back
 * until it is known whether anything follows it; the last one may be shorter, and is empty only when the stream is.
 * No piece is longer than the first.
 */
export async function* cut(
  source: AsyncIterable<Uint8Array>,
  byteLengthOf: (index: number) => number,
): AsyncGenerator<Piece, void, undefined> {
  const buffers: Bytes[] = []
  const bufferOf = (index: number) => {
    if (index < inFlightMaximum) buffers.push(new Uint8Array(byteLengthOf(0)))
    const buffer = buffers[index % inFlightMaximum] as Bytes
    return buffer.subarray(0, byteLengthOf(index))
  }
  let index = 0
  let buffer = bufferOf(0)
  let filled = 0
  for await (const chunk of source) {
    assertBytes(chunk, 'chunk')
    let rest = chunk
    while (rest.byteLength > 0) {
      if (filled === buffer.byteLength) {
        yield { bytes: buffer, index, last: false }
        buffer = bufferOf(++index)
        filled = 0
      }
      const taken = rest.subarray(0, buffer.byteLength - filled)
      buffer.set(taken, filled)
      filled += taken.byteLength
      rest = rest.subarray(taken.byteLength)
    }
  }
  yield { bytes: buffer.subarray(0, filled), index, last: true }
}

/** Works on up to `inFlightMaximum` pieces at once and gives the results in order; after a failure it gives nothing more. */
export async function* mapInOrder<Result>(
  pieces: AsyncIterable<Piece>,
  work: (piece: Piece) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const inFlight: Promise<Result>[] = []
  for await (const piece of pieces) {
    const result = work(piece)
    // The failure is thrown when its turn comes; until then it must not count as unhandled.
    result.catch(() => undefined)
    inFlight.push(result)
    if (inFlight.length === inFlightMaximum) yield await (inFlight.shift() as Promise<Result>)
  }
  for (const result of inFlight) yield await result
}

/**
 * Makes a transform of which each output is produced only when it is asked for, so that one huge input does not become
 * many outputs in memory. A failure on one side ends both.
 */
export function transformBytes(
  transform: (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Bytes, void, undefined>,
): ReadableWritablePair<Bytes, Uint8Array> {
  const input = new TransformStream<Uint8Array, Uint8Array>()
  const source = input.readable.getReader()
  let cancelled = false
  const outputs = transform(read())
  async function* read() {
    for (;;) {
      const { done, value } = await source.read()
      // Cancelling ends a waiting read like the end of the file does, but the file has not ended.
      if (cancelled) throw new TypeError('the stream was cancelled')
      if (done) return
      yield value
    }
  }
  const readable = new ReadableStream<Bytes>(
    {
      async pull(controller) {
        try {
          const { done, value } = await outputs.next()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          await source.cancel(error).catch(() => undefined)
          throw error
        }
      },
      async cancel(reason) {
        cancelled = true
        await source.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return { readable, writable: input.writable }
}

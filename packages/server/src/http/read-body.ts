import { ServerError } from './server-error.ts'

/**
 * Reads the whole body, at most `maximum` bytes of it, however its length was announced.
 *
 * @throws {ServerError} `body_too_large`; nothing past the limit is read. `request_malformed`: it broke off.
 */
export async function readBody(request: Request, maximum: number): Promise<Uint8Array> {
  const tooLarge = () => new ServerError('body_too_large', { data: { maximumBytes: maximum } })
  const announced = request.headers.get('content-length')
  if (Number(announced ?? 0) > maximum) throw tooLarge()
  // The server that has read the head of the request holds the body to the length it announces.
  if (announced !== null && !request.headers.has('transfer-encoding')) return readAtOnce(request, tooLarge, maximum)
  if (!request.body) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let byteLength = 0
  try {
    for await (const chunk of request.body) {
      byteLength += chunk.byteLength
      if (byteLength > maximum) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (cause) {
    throw cause instanceof ServerError ? cause : new ServerError('request_malformed', { detail: 'body', cause })
  }
  return concatenate(chunks, byteLength)
}

async function readAtOnce(request: Request, tooLarge: () => ServerError, maximum: number): Promise<Uint8Array> {
  const bytes = await request.arrayBuffer().catch((cause: unknown) => {
    throw new ServerError('request_malformed', { detail: 'body', cause })
  })
  if (bytes.byteLength > maximum) throw tooLarge()
  return new Uint8Array(bytes)
}

function concatenate(chunks: readonly Uint8Array[], byteLength: number): Uint8Array {
  const [first] = chunks
  if (first && chunks.length === 1) return first
  const whole = new Uint8Array(byteLength)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

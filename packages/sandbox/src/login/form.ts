import type { IncomingMessage } from 'node:http'

const MAXIMUM_BYTES = 8192

/** Reads a form; `null` when it is larger than any form of ours. */
export async function readForm(req: IncomingMessage): Promise<URLSearchParams | null> {
  const chunks: Buffer[] = []
  let byteLength = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    byteLength += chunk.byteLength
    if (byteLength > MAXIMUM_BYTES) return null
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
}

export function readCookie(req: IncomingMessage, name: string): string | undefined {
  const pair = req.headers.cookie?.split(/; */).find((part) => part.startsWith(`${name}=`))
  return pair?.slice(name.length + 1)
}

import { connect } from 'node:net'

/** What came back over a connection of its own: the status lines, and the code of the last problem. */
export interface RawAnswer {
  readonly statuses: readonly number[]
  readonly code: string | undefined
  readonly text: string
}

/**
 * Writes bytes to a port as they are and reads until the other side closes, or until nothing has come for a moment.
 *
 * @param options.end - Closes our side after writing, as a client that breaks off does.
 */
export function sendRaw(port: number, bytes: string | Uint8Array, options: { end?: boolean } = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, 'localhost')
    const received: Buffer[] = []
    socket.setTimeout(500, () => socket.destroy())
    socket.on('data', (chunk) => received.push(chunk))
    // A server that refuses closes while we may still be writing.
    socket.on('error', (cause) =>
      'code' in cause && /EPIPE|ECONNRESET/.test(String(cause.code)) ? undefined : reject(cause),
    )
    socket.on('close', () => {
      const text = Buffer.concat(received).toString('latin1')
      resolve({
        statuses: [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)),
        code: [...text.matchAll(/"code":"(\w+)"/g)].at(-1)?.[1],
        text,
      })
    })
    socket.write(bytes)
    if (options.end) socket.end()
  })
}

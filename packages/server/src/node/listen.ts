import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ListenOptions {
  /** Default 3000; 0 takes any that is free. */
  readonly port?: number
  /** Default: every address of the machine. */
  readonly host?: string
}

export interface Listening {
  readonly port: number
  /** Takes no new requests, lets those under way finish within ten seconds, then resolves. */
  close(): Promise<void>
}

const drainMilliseconds = 10_000

/**
 * Listens for HTTP/1.1 with limits on what a client may make it wait for.
 *
 * @throws {Error} The port is taken.
 */
export async function listen(listener: RequestListener, options: ListenOptions = {}): Promise<Listening> {
  const { port = 3000, host } = options
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 120_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 },
    listener,
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ port, ...(host === undefined ? {} : { host }) }, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        const idle = setInterval(() => server.closeIdleConnections(), 50)
        const overdue = setTimeout(() => server.closeAllConnections(), drainMilliseconds)
        server.close(() => {
          clearInterval(idle)
          clearTimeout(overdue)
          resolve()
        })
      }),
  }
}

import type { IncomingMessage, RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { securityHeaders } from '../http/security-headers.ts'
import type { NokkelServer } from '../server.ts'
import { type Listening, type ListenOptions, listen } from './listen.ts'
import { readStaticFiles } from './static-files.ts'

export interface RequestListenerOptions {
  readonly server: NokkelServer
  /** Built single-page application to serve beside the API. */
  readonly directory?: string
  /** As given to the server. Default `production`. */
  readonly mode?: 'development' | 'production'
}

/** Makes what `node:http` calls for each request: the API, and the files of an application. */
export async function createRequestListener(options: RequestListenerOptions): Promise<RequestListener> {
  const { server, directory, mode = 'production' } = options
  const files = directory === undefined ? undefined : await readStaticFiles(directory)
  const headers = Object.entries(securityHeaders(mode === 'production'))
  return getRequestListener(
    (request, { incoming }) => {
      const file = files?.(request)
      if (!file) return server.fetch(request, { clientAddress: (incoming as IncomingMessage).socket.remoteAddress })
      for (const [name, value] of headers) file.headers.set(name, value)
      return file
    },
    { overrideGlobalObjects: true },
  )
}

export interface ServeOptions extends RequestListenerOptions, ListenOptions {}

/**
 * Serves the API, and an application if there is one, after the server has made sure that it can. While its root keys
 * are sealed it is served, too, for it takes the shares.
 *
 * @returns Its `close` also closes the server.
 * @throws {Error} The server is not ready, or the port is taken; says which.
 */
export async function serve(options: ServeOptions): Promise<Listening> {
  if (!options.server.sealed()) await options.server.ready()
  const { port, close } = await listen(await createRequestListener(options), options)
  return {
    port,
    async close() {
      await close()
      await options.server.close()
    },
  }
}

/** Calls `close` once at SIGTERM or SIGINT and ends the process after it; a second signal ends it at once. */
export function closeOnSignal(close: () => Promise<void>): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      close().then(
        () => process.exit(0),
        () => process.exit(1),
      )
    })
  }
}

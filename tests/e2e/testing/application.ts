import type { Sandbox } from '@nokkel/sandbox'
import type { Database } from '@nokkel/server'
import { composeDevelopment } from '../../../tools/compose.ts'

export interface Application {
  readonly url: string
  readonly sandbox: Sandbox
  /** Moves the clock of the server; it tells the clients the time in every answer. */
  advance(seconds: number): void
  close(): Promise<void>
}

/** What `npm start` runs, in memory and on a free port. */
export async function startApplication({ database }: { database?: Database } = {}): Promise<Application> {
  let ahead = 0
  const { url, sandbox, close } = await composeDevelopment({
    port: 0,
    // All people of a test come from one address, and quicker than people do.
    limits: { login: { address: Infinity, person: Infinity } },
    ...(database && { database }),
    now: () => new Date(Date.now() + ahead * 1000),
    logger: (entry) => entry.code === 'server_failed' && console.error(JSON.stringify(entry)),
  })
  return {
    url,
    sandbox,
    advance: (seconds) => {
      ahead += seconds
    },
    close,
  }
}

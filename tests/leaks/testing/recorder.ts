import type { Logger } from '@nokkel/server'
import { createJsonLogger } from '@nokkel/server'
import { sql } from 'kysely'
import type { TestDatabase } from '../../../tools/testing/database.ts'
import type { Needle } from './needle.ts'

/**
 * `provider`: between anyone and BankID or Vipps. `request`, its URL with it, and `response` are between a client and our own
 * server. `store`: what a client keeps.
 */
export type Channel = 'request' | 'response' | 'provider' | 'log' | 'row' | 'error' | 'store' | 'backup'

interface Finding {
  readonly needle: string
  readonly channel: Channel
  readonly place: string
}

interface Entry {
  readonly channel: Channel
  readonly place: string
  readonly bytes: Buffer
}

/** Keeps everything that passes, to be searched afterwards. */
export interface Recorder {
  readonly logger: Logger
  readonly fetch: typeof fetch
  /** Keeps whatever passes elsewhere. */
  keep(channel: Channel, place: string, ...parts: (string | Uint8Array)[]): void
  /** Reads every row of every table there is. */
  readRows(database: TestDatabase): Promise<void>
  search(needles: readonly Needle[], channels?: readonly Channel[]): Finding[]
  count(channel: Channel): number
}

export function createRecorder(send: typeof fetch): Recorder {
  const entries: Entry[] = []
  const keep = (channel: Channel, place: string, ...parts: (string | Uint8Array)[]) => {
    entries.push({
      channel,
      place,
      bytes: Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))),
    })
  }
  return {
    keep,
    logger: createJsonLogger((line) => keep('log', 'log', line)),
    async fetch(input, init) {
      const request = new Request(input, init)
      const { pathname } = new URL(request.url)
      const ours = /^\/(?:nokkel|crypto-service|generate-(?:user|company)-keys)(?:\/|$)/.test(pathname)
      const place = `${request.method} ${pathname}`
      const sent = new Uint8Array(await request.arrayBuffer())
      keep(ours ? 'request' : 'provider', place, request.url, headersOf(request.headers), sent)
      const response = await send(input, init)
      const received = new Uint8Array(await response.clone().arrayBuffer())
      keep(ours ? 'response' : 'provider', place, headersOf(response.headers), received)
      return response
    },
    async readRows({ owner }) {
      const { rows: tables } = await sql<{ name: string }>`
        select format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')`.execute(owner)
      for (const { name } of tables) {
        const { rows } = await sql<Record<string, unknown>>`select * from ${sql.raw(name)}`.execute(owner)
        for (const row of rows) {
          for (const [column, value] of Object.entries(row)) {
            const place = `${name}.${column}`
            if (value instanceof Uint8Array) keep('row', place, value, '\n', Buffer.from(value).toString('hex'))
            else if (value !== null) keep('row', place, typeof value === 'string' ? value : JSON.stringify(value))
          }
        }
      }
    },
    search: (needles, channels) =>
      entries
        .filter(({ channel }) => !channels || channels.includes(channel))
        .flatMap(({ channel, place, bytes }) =>
          needles
            .filter(({ forms }) => forms.some((form) => bytes.includes(form)))
            .map(({ name }) => ({ needle: name, channel, place })),
        ),
    count: (channel) => entries.filter((entry) => entry.channel === channel).length,
  }
}

function headersOf(headers: Headers): string {
  const lines = [...headers].map(([name, value]) => `\n${name}: ${value}`)
  return `${lines.join('')}\n\n`
}

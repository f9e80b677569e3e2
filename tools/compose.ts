import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Sandbox } from '@nokkel/sandbox'
import {
  applyOrganizations,
  connect,
  createNokkelServer,
  type Database,
  givenRootKeys,
  type Logger,
  type NokkelServer,
  type RateLimits,
} from '@nokkel/server'
import { createRequestListener, listen, openEmbeddedDatabase, readMigrations } from '@nokkel/server/node'
import { type DevelopmentKeys, generateDevelopmentKeys } from './development/keys.ts'
import { createProviders } from './development/providers.ts'
import { builtWebApplication } from './development/web-application.ts'

const supabase = new URL('../supabase/', import.meta.url)

export interface DevelopmentOptions {
  /** Default 3000; 0 takes any that is free. */
  readonly port?: number
  /** Where people reach it, when something stands in front. Default: the port on `localhost`. */
  readonly publicUrl?: string
  /** Where the embedded database has its files. Default: in memory. */
  readonly directory?: string
  /** Instead of the embedded database: one with all migrations and the seed, connected as `nokkel_server`. */
  readonly database?: Database | string
  /** Default: new ones. */
  readonly keys?: DevelopmentKeys
  /** Whether the web application is served. Default `true`. */
  readonly web?: boolean
  /** Clock of the server, and of the `Date` in its answers. Default: the system's. */
  readonly now?: () => Date
  /** Default: only failures, on standard error. */
  readonly logger?: Logger
  /** Default: those of the server. */
  readonly limits?: Partial<RateLimits>
  /** RSA key pairs made ahead. Default 0. */
  readonly warmKeyPairs?: number
  /** Told of what takes time. */
  readonly report?: (line: string) => void
}

export interface Development {
  readonly url: string
  readonly server: NokkelServer
  readonly sandbox: Sandbox
  readonly database: Database | string
  /** Lets requests under way finish, then closes everything that was opened. */
  close(): Promise<void>
}

const logFailures: Logger = (entry) => {
  if (entry.level === 'error') console.error(JSON.stringify(entry))
}

/**
 * Puts the whole system together on one address of this machine: API, web application, embedded database with seeded
 * people, a sandbox BankID and a sandbox Vipps. For development, demonstration and tests only.
 *
 * @throws {Error} The port is taken, the data directory is in use, or the keys are not those of the database.
 */
export async function composeDevelopment(options: DevelopmentOptions = {}): Promise<Development> {
  const { port = 3000, keys = generateDevelopmentKeys(), web = true, now, logger = logFailures } = options
  const { report = () => undefined, warmKeyPairs = 0 } = options
  const closing: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    // The port comes first: it is part of every URL, and the quickest thing to be refused.
    let answer: RequestListener = (_, response) => response.writeHead(503, { 'retry-after': '1' }).end()
    const listening = await listen((request, response) => answer(request, response), { port, host: 'localhost' })
    closing.push(listening.close)
    const url = options.publicUrl ?? `http://localhost:${listening.port}`

    const [database, directory] = await Promise.all([
      options.database ?? openDatabase(options.directory, closing),
      web ? builtWebApplication(report) : undefined,
    ])
    const { sandbox, providers, vippsIssuers, organizations } = createProviders(url)
    closing.push(sandbox.close)
    const rootKeys = () => givenRootKeys({ masterKeys: [keys.masterKey], indexKeys: [keys.indexKey] })
    const server = createNokkelServer({
      database,
      publicUrl: url,
      rootKeys: rootKeys(),
      providers,
      vippsIssuers,
      mode: 'development',
      logger,
      warmKeyPairs,
      ...(options.limits && { limits: options.limits }),
      ...(now && { now }),
    })
    closing.push(server.close)
    await server.ready()
    await withDatabase(database, (open) =>
      applyOrganizations({ database: open, rootKeys: rootKeys(), organizations, mode: 'development' }),
    )

    const respond = await createRequestListener({
      server: now ? withDate(server, now) : server,
      mode: 'development',
      ...(directory !== undefined && { directory }),
    })
    answer = (request, response) => sandbox.handle(request, response) || respond(request, response)
    return { url, server, sandbox, database, close }
  } catch (cause) {
    await close()
    throw cause
  }
}

async function withDatabase<T>(database: Database | string, work: (database: Database) => Promise<T>): Promise<T> {
  if (typeof database !== 'string') return work(database)
  const connected = connect(database)
  return work(connected).finally(() => connected.destroy())
}

async function openDatabase(directory: string | undefined, closing: (() => Promise<void> | void)[]): Promise<Database> {
  const [migrations, seed] = await Promise.all([
    readMigrations(fileURLToPath(new URL('migrations', supabase))),
    readFile(new URL('seed.sql', supabase), 'utf8'),
  ])
  const embedded = await openEmbeddedDatabase({ migrations, seed, ...(directory !== undefined && { directory }) })
  closing.push(embedded.close)
  return embedded.database
}

/** Clients set their clock by the answers, so these must tell the time of the server. */
function withDate(server: NokkelServer, now: () => Date): NokkelServer {
  return {
    ...server,
    async fetch(request, environment) {
      const answer = await server.fetch(request, environment)
      answer.headers.set('date', now().toUTCString())
      return answer
    },
  }
}

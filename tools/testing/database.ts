import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect, type PGliteDialectConfig, PostgresDialect } from 'kysely'
import pg from 'pg'
import { inject } from 'vitest'
import { migrate } from '../../packages/server/src/db/migrate.ts'
import { cachedDirectory } from './cache.ts'
import { readMigrations } from './migrations.ts'

/** Every database test runs on each of these: `describe.each(databaseEngines)('… [%s]', (engine) => …)`. */
export const databaseEngines = ['pglite', 'postgres'] as const

export type DatabaseEngine = (typeof databaseEngines)[number]

/** A database of its own with all migrations applied and no rows. */
export interface TestDatabase {
  readonly engine: DatabaseEngine
  /** Superuser, to arrange and to look. On PGlite it waits while a transaction of `server` is open. */
  readonly owner: Kysely<unknown>
  /** The role `nokkel_server`, as the server itself connects. */
  readonly server: Kysely<unknown>
  /** Connection string of `nokkel_server`; undefined on PGlite. */
  readonly url: string | undefined
  close(): Promise<void>
}

export function createTestDatabase(engine: DatabaseEngine): Promise<TestDatabase> {
  return engine === 'pglite' ? createPglite() : createPostgres()
}

async function createPglite(): Promise<TestDatabase> {
  const { migrations, digest } = readMigrations()
  const directory = await cachedDirectory(`pglite-${digest}`, async (draft) => {
    const template = new PGlite()
    await migrate(
      {
        run: (script) => template.exec(script),
        query: async (statement, parameters) =>
          (await template.query<Record<string, unknown>>(statement, [...parameters])).rows,
      },
      migrations,
    )
    const dump = await template.dumpDataDir('none')
    writeFileSync(join(draft, 'data.tar'), new Uint8Array(await dump.arrayBuffer()))
    await template.close()
  })
  const pglite = new PGlite({ loadDataDir: new Blob([readFileSync(join(directory, 'data.tar'))]) })
  await pglite.exec('set session authorization nokkel_server')
  return {
    engine: 'pglite',
    owner: new Kysely({ dialect: new PGliteDialect({ pglite: asSuperuser(pglite) }) }),
    server: new Kysely({ dialect: new PGliteDialect({ pglite }) }),
    url: undefined,
    close: () => pglite.close(),
  }
}

/** PGlite has one session; each step of the owner regains the superuser for its own transaction. */
function asSuperuser(pglite: PGlite): PGliteDialectConfig['pglite'] {
  const transaction: PGlite['transaction'] = (work) =>
    pglite.transaction(async (tx) => {
      await tx.exec('set local session authorization postgres')
      return work(tx)
    })
  return {
    ready: true,
    closed: false,
    waitReady: pglite.waitReady,
    close: () => Promise.resolve(),
    transaction,
    query: (text, parameters, options) => transaction((tx) => tx.query(text, parameters, options)),
  }
}

async function createPostgres(): Promise<TestDatabase> {
  const admin = inject('postgresUrl')
  const name = `nokkel_test_${randomBytes(8).toString('hex')}`
  await withClient(admin, async (client) => {
    const template = await prepareTemplate(admin, client)
    await client.query(`create database ${name} template ${template}`)
  })
  const url = connectionString(admin, name, 'nokkel_server')
  const owner = new Kysely<unknown>({ dialect: postgresDialect(connectionString(admin, name)) })
  const server = new Kysely<unknown>({ dialect: postgresDialect(url) })
  return {
    engine: 'postgres',
    owner,
    server,
    url,
    async close() {
      await Promise.all([owner.destroy(), server.destroy()])
      await withClient(admin, (client) => dropDatabase(client, name))
    },
  }
}

/** Waits for connections that are closing: ended by force, they would report an error nobody hears. */
async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await client.query(`drop database ${name}`).catch(() => client.query(`drop database ${name} with (force)`))
}

const postgresDialect = (url: string) => new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 10 }) })

/** The first worker that needs a schema makes its template while the others wait at the lock. */
async function prepareTemplate(admin: string, client: pg.Client): Promise<string> {
  const { migrations, digest } = readMigrations()
  const template = `nokkel_template_${digest}`
  await client.query('select pg_advisory_lock(6651)')
  const { rowCount } = await client.query('select from pg_database where datname = $1', [template])
  if (rowCount === 0) {
    const draft = `nokkel_draft_${randomBytes(8).toString('hex')}`
    await client.query(`create database ${draft}`)
    await withClient(connectionString(admin, draft), async (inside) => {
      await migrate(
        {
          run: (script) => inside.query(script),
          query: async (statement, parameters) => (await inside.query(statement, [...parameters])).rows,
        },
        migrations,
      )
    })
    await client.query(`alter role nokkel_server password '${serverPassword}'`)
    await client.query(`alter database ${draft} rename to ${template}`)
  }
  await client.query('select pg_advisory_unlock(6651)')
  return template
}

const serverPassword = 'for-tests-only'

function connectionString(admin: string, database: string, user?: 'nokkel_server'): string {
  const url = new URL(admin)
  url.pathname = `/${database}`
  if (user) {
    url.username = user
    url.password = serverPassword
  }
  return url.href
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

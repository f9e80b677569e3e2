import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type Database, readDatabaseUrl } from '@nokkel/server'
import { openEmbeddedDatabase, readMigrations } from '@nokkel/server/node'
import { CommandError, text, type Values } from '../command.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { ownMigrations } from './migrations.ts'

export const databaseHelp = `  DATABASE_URL   logs in as nokkel_server
  --data DIR     works on the embedded database in this directory instead, while no server has it open`

export const databaseOptions = { data: { type: 'string' } } as const

/**
 * Runs `work` on the database of the operator, and lets go of it.
 *
 * @param options.migrate - Whether an embedded database is brought up to date first; a command that only reads does not.
 * @throws {Error} There is none, or a server has the embedded one open.
 */
export async function withOperatorDatabase<T>(
  values: Values,
  { environment }: Terminal,
  options: { readonly migrate: boolean },
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const data = text(values, 'data')
  const { database, close } =
    data === undefined ? connectTo(readDatabaseUrl(environment)) : await openEmbedded(data, options)
  try {
    return await work(database)
  } finally {
    await close()
  }
}

function connectTo(url: string) {
  const database = connect(url)
  return { database, close: () => database.destroy() }
}

async function openEmbedded(data: string, { migrate }: { readonly migrate: boolean }) {
  const directory = join(data, 'database')
  if (!existsSync(directory)) throw new CommandError(`There is no embedded database in ${data}.`)
  return openEmbeddedDatabase({ directory, ...(migrate && { migrations: await readMigrations(ownMigrations()) }) })
}

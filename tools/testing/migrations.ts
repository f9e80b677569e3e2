import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type Migration, parseMigration } from '../../packages/server/src/db/migrate.ts'

const directory = new URL('../../supabase/migrations/', import.meta.url)

/** All migrations, and a digest that changes with any of them. */
export function readMigrations(): { readonly migrations: readonly Migration[]; readonly digest: string } {
  const migrations = readdirSync(directory)
    .filter((name) => name.endsWith('.sql'))
    .map((name) => parseMigration(name, readFileSync(new URL(name, directory), 'utf8')))
  return { migrations, digest: createHash('sha256').update(JSON.stringify(migrations)).digest('hex').slice(0, 16) }
}

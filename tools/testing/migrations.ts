import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

const directory = new URL('../../supabase/migrations/', import.meta.url)

/** All migrations in order, and a digest that changes with any of them. */
export function readMigrations(): { readonly scripts: readonly string[]; readonly digest: string } {
  const names = readdirSync(directory).filter((name) => name.endsWith('.sql'))
  const scripts = names.sort().map((name) => readFileSync(new URL(name, directory), 'utf8'))
  return { scripts, digest: createHash('sha256').update(JSON.stringify(scripts)).digest('hex').slice(0, 16) }
}

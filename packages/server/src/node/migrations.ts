import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Migration, parseMigration } from '../db/migrate.ts'

/**
 * Reads all migrations of a directory, in order.
 *
 * @throws {TypeError} An `.sql` file is not named as a migration.
 */
export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(names.map(async (name) => parseMigration(name, await readFile(join(directory, name), 'utf8'))))
}

import type { Database } from '../db/database.ts'
import { checkSchema } from '../db/schema-version.ts'
import type { ErasureEntry } from './ledger.ts'
import { replayEntries } from './reconcile.ts'
import { selectErasures } from './store.ts'

/**
 * Lists who was erased, by UUIDs that are nobody's any more, the oldest first.
 *
 * @throws {Error} The database is not one of this version, or the URL logs in as somebody else.
 */
export async function listErasures(database: Database): Promise<ErasureEntry[]> {
  await checkSchema(database)
  return (await selectErasures(database)).map(({ entry }) => entry)
}

/**
 * Erases again whom a restored backup has brought back.
 *
 * @param entries - As a ledger has them, or {@link listErasures} gave them before.
 * @returns How many accounts were there again.
 * @throws {Error} The database is not one of this version, or the URL logs in as somebody else; or somebody whom no entry names has
 *   become one in this backup with somebody of them, for good.
 */
export async function replayErasures(database: Database, entries: readonly ErasureEntry[]): Promise<number> {
  await checkSchema(database)
  return replayEntries(database, entries)
}

import type { Database } from '../db/database.ts'
import type { ErasureEntry, ErasureLedger } from './ledger.ts'
import { insertErasures, replayRows, selectErasures, selectUndone } from './store.ts'

/** What came of holding a database against a ledger. */
export interface Reconciled {
  /** Accounts that were here again, and are erased again. */
  readonly erased: number
  /** Entries that the ledger had not. */
  readonly written: number
}

/**
 * Makes a database and a ledger say the same: whoever the ledger names is erased, and what only the database knows of is written to
 * the ledger. It may be stopped anywhere and run again.
 *
 * @throws {Error} The ledger cannot be read or written; or as {@link replayEntries}.
 */
export async function reconcile(database: Database, ledger: ErasureLedger | undefined): Promise<Reconciled> {
  if (!ledger) return { erased: await replayEntries(database, []), written: 0 }
  const entries = await ledger.entries()
  const erased = await replayEntries(database, entries)
  const written = new Set(entries.map(({ id }) => id))
  const missing = (await selectErasures(database)).filter(({ entry }) => !written.has(entry.id))
  for (const { entry } of missing) await ledger.append(entry)
  return { erased, written: missing.length }
}

/**
 * Erases again whom these entries, or those of the database itself, name. Gives how many accounts that were.
 *
 * @throws {Error} Somebody whom none of them names has become one with somebody of them, for good; says who and what to do.
 */
export async function replayEntries(database: Database, entries: readonly ErasureEntry[]): Promise<number> {
  let erased = 0
  for (const undone of await selectUndone(database, entries)) erased += await replayRows(database, undone)
  if (entries.length > 0) await insertErasures(database, entries)
  return erased
}

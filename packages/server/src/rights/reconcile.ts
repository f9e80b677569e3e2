import type { Database } from '../db/database.ts'
import type { ErasureEntry, ErasureLedger } from './ledger.ts'
import { replayRows, selectErasures } from './store.ts'

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
  const entries = ledger ? await ledger.entries() : []
  const erased = await replayEntries(database, entries)
  const written = new Set(entries.map(({ id }) => id))
  const missing = (await selectErasures(database)).filter(({ entry }) => !written.has(entry.id))
  if (ledger) for (const { entry } of missing) await ledger.append(entry)
  return { erased, written: ledger ? missing.length : 0 }
}

/**
 * Erases again whom these entries, or those of the database itself, name. Gives how many accounts that were.
 *
 * @throws {Error} Somebody whom none of them names has become one with somebody of them, for good; says who and what to do.
 */
export async function replayEntries(database: Database, entries: readonly ErasureEntry[]): Promise<number> {
  const known = await selectErasures(database)
  const settled = new Set(known.flatMap(({ entry, isUndone }) => (isUndone ? [] : [entry.id])))
  const all = [...known.map(({ entry }) => entry), ...entries]
  const open = new Map(all.flatMap((entry) => (settled.has(entry.id) ? [] : [[entry.id, entry] as const])))
  const named = [...new Set(all.flatMap(({ userId, formerIds }) => [userId, ...formerIds]))]
  let erased = 0
  for (const entry of open.values()) erased += await replayRows(database, entry, named)
  return erased
}

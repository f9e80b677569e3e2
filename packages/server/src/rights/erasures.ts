import type { Caller } from '../audit/caller.ts'
import { recordRefusal } from '../audit/record.ts'
import type { Database } from '../db/database.ts'
import { retryDeadlock } from '../db/retry.ts'
import { describeFailure, type Logger } from '../http/logger.ts'
import { ServerError } from '../http/server-error.ts'
import type { ErasureEntry, ErasureLedger } from './ledger.ts'
import { reconcile } from './reconcile.ts'
import { eraseRows, selectErasures } from './store.ts'

export interface ErasureDependencies {
  readonly database: Database
  readonly logger: Logger
  /** Without one, the database alone knows who was erased. */
  readonly ledger: ErasureLedger | undefined
  /** How long backups of the database are kept. */
  readonly backupRetentionDays: number
}

export interface Erasures {
  /**
   * @throws {ServerError} `login_too_old`; `erasure_blocked`; what is told of a session that is not live; `unavailable`: the ledger
   *   cannot be used.
   */
  erase(caller: Caller): Promise<ErasureEntry>
  /** Holds the database against the ledger: to be called before anything is answered. */
  begin(): Promise<void>
  /**
   * The same, if an erasure may be in the ledger and not in the database.
   *
   * @throws {ServerError} `unavailable`: it cannot be found out now.
   */
  settle(): Promise<void>
}

/**
 * Erases people in the database and in the ledger: first there, so that no answer of a server is older than the ledger.
 *
 * An entry is written as the last thing of a transaction. Where that ends without being committed, the entry binds all the same: the
 * person is erased before anything else is answered, by this server or by the next one.
 */
export function createErasures({ database, logger, ledger, backupRetentionDays }: ErasureDependencies): Erasures {
  let settling: Promise<void> | undefined
  // A doubt is raised after its line is written, so a reading that begins later has seen the line.
  let doubts = 0
  let settled = 0

  async function begin(): Promise<void> {
    const seen = doubts
    const { erased, written } = await reconcile(database, ledger)
    settled = Math.max(settled, seen)
    if (written > 0) logger({ level: 'warn', event: 'ledger_completed', count: written })
    if (erased > 0) logger({ level: 'warn', event: 'erased_again', count: erased })
  }

  async function settle(): Promise<void> {
    const wanted = doubts
    while (settled < wanted) {
      settling ??= begin().finally(() => {
        settling = undefined
      })
      await settling.catch(refuse)
    }
  }

  async function erase(caller: Caller): Promise<ErasureEntry> {
    const id = crypto.randomUUID()
    // One that cannot be used is found out while nothing hangs on it.
    await ledger?.entries().catch(refuse)
    let written: ErasureEntry | undefined
    try {
      return await retryDeadlock(() =>
        database.transaction().execute(async (transaction) => {
          const entry = await eraseRows(transaction, caller, { id, retentionDays: backupRetentionDays })
          // Of one that was asked for before, the answer is given again.
          if (ledger && entry.id === id) {
            written = entry
            await ledger.append(entry)
          }
          return entry
        }),
      )
    } catch (cause) {
      if (!written) throw cause
      doubts++
      logger({ level: 'error', event: 'erasure_interrupted', error: describeFailure(cause) })
      await settle()
      if ((await selectErasures(database)).some(({ entry, isUndone }) => entry.id === id && !isUndone)) return written
      throw cause
    }
  }

  function refuse(cause: unknown): never {
    logger({ level: 'error', event: 'erasure_ledger_failed', error: describeFailure(cause) })
    throw new ServerError('unavailable', { detail: 'The ledger of erasures cannot be used.', cause })
  }

  return {
    begin,
    settle,
    erase: (caller) =>
      recordRefusal(database, caller, { action: 'person.erase', type: 'person', id: null }, () => erase(caller)),
  }
}

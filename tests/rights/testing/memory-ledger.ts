import type { ErasureEntry, ErasureLedger } from '@nokkel/server'

/** A ledger that outlives the servers of a test, and fails when it is told to. */
export interface MemoryLedger extends ErasureLedger {
  readonly lines: ErasureEntry[]
  /** Called before an entry is kept. */
  beforeAppend: (entry: ErasureEntry) => Promise<void>
  /** Called once it is. */
  afterAppend: (entry: ErasureEntry) => Promise<void>
}

export function createMemoryLedger(lines: ErasureEntry[] = []): MemoryLedger {
  const ledger: MemoryLedger = {
    lines,
    beforeAppend: async () => undefined,
    afterAppend: async () => undefined,
    async append(entry) {
      await ledger.beforeAppend(entry)
      lines.push(entry)
      await ledger.afterAppend(entry)
    },
    entries: async () => [...lines],
  }
  return ledger
}

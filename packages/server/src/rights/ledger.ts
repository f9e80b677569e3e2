import { z } from 'zod'

/** That somebody was erased. It names nobody: the accounts it tells of are no more. */
export interface ErasureEntry {
  /** UUID, as on the certificate. */
  readonly id: string
  /** UUID of the account. */
  readonly userId: string
  /** UUIDs of the accounts that had become that one. */
  readonly formerIds: readonly string[]
  /** RFC 3339. */
  readonly erasedAt: string
  /** RFC 3339. */
  readonly backupsExpireAt: string
  /** Rows that went, by table. */
  readonly removed: Readonly<Record<string, number>>
}

/**
 * Where erasures are written down outside of the database, so that a restored backup is held against them.
 *
 * An entry is binding: whoever it names is erased by every server that reads it.
 */
export interface ErasureLedger {
  /** Keeps an entry for good before it resolves: also a loss of power after that does not lose it. */
  append(entry: ErasureEntry): Promise<void>
  /** All entries, the oldest first. @throws {Error} Some cannot be read; says where. */
  entries(): Promise<readonly ErasureEntry[]>
}

const Entry = z.strictObject({
  v: z.literal(1),
  id: z.uuid(),
  userId: z.uuid(),
  formerIds: z.array(z.uuid()),
  erasedAt: z.iso.datetime(),
  backupsExpireAt: z.iso.datetime(),
  removed: z.record(z.string(), z.int()),
})

/** One line, with its end. @see docs/spec/erasure.md */
export function formatErasure({ id, userId, formerIds, erasedAt, backupsExpireAt, removed }: ErasureEntry): string {
  return `${JSON.stringify({ v: 1, id, userId, formerIds, erasedAt, backupsExpireAt, removed })}\n`
}

/**
 * Reads the lines of a ledger. A last line without its end was being written when something stopped, and is none.
 *
 * @param name - What to call it in an error.
 * @throws {Error} A line is no entry; says which.
 */
export function parseErasures(text: string, name: string): ErasureEntry[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, index) => {
      const entry = parseEntry(line)
      if (!entry) throw new Error(`Line ${index + 1} of ${name} is no erasure; nothing of it was used.`)
      return entry
    })
}

function parseEntry(line: string): ErasureEntry | undefined {
  try {
    const { v: _version, ...entry } = Entry.parse(JSON.parse(line))
    return entry
  } catch {
    return undefined
  }
}

import type { RfxEntry } from '@nokkel/contract'
import {
  decodeBase64Url,
  encodeBase64Url,
  type RfxCurrent,
  type StatementSigner,
  type VerifiedRfxEntry,
  verifyRfxEntry,
} from '@nokkel/crypto'
import { codeOf, NokkelError } from '../../errors.ts'
import { createMutex } from '../../lock/lock.ts'
import type { OpenedRfx, SeenHead } from '../opened-rfx.ts'
import type { Author, Progress } from '../rfx.ts'
import { whole } from '../rfx-error.ts'

/** A verified entry with what opens it. */
export interface LogEntry {
  readonly sequence: number
  readonly kind: VerifiedRfxEntry['kind']
  readonly object: string
  readonly revision: number
  readonly current: RfxCurrent
  /** base64url. */
  readonly digest: string
  readonly previous: string | null
  readonly signer: StatementSigner
  readonly version: number
  readonly wrappedKey: string | null
  readonly content: string | null
  /** The content key before it was moved to this version; undefined when that was not asked for. */
  readonly replaced: RfxEntry['replaced'] | undefined
}

/** An entry of the log, with what the server says of its author. */
export interface ListedEntry extends LogEntry {
  readonly author: Author
  readonly writtenAt: Date
}

type EntryContent = Pick<RfxEntry, 'sequence' | 'version' | 'wrappedKey' | 'content' | 'statement'> &
  Partial<Pick<RfxEntry, 'replaced'>>

export interface RfxLog {
  /** Fetches what is new, and what is older down to `sequence`, if one is given. Gives the newest. */
  update(sequence?: number, options?: ReachOptions): Promise<ListedEntry>
  /** Fetches what is older down to `sequence`. */
  reach(sequence: number): Promise<void>
  /** An entry that was fetched; `undefined` below what was reached. */
  at(sequence: number): ListedEntry | undefined
  /** The sequence of the newest entry that was fetched; 0 before there is one. */
  newest(): number
  /** All that was fetched, from the oldest. */
  entries(): ListedEntry[]
  /** Takes up an entry written here: what the server answered must be what was sent. */
  append(answer: RfxEntry, digest: Uint8Array): Promise<ListedEntry>
  /** Verifies an entry by its signature alone, of a place not reached yet. If the log comes to it, it must be the same. */
  verifyApart(entry: EntryContent): Promise<LogEntry>
  forget(): void
}

interface ReachOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

const pageLength = 200
const attemptLimit = 5
const nothingWritten: RfxCurrent = { title: 0, specification: 0 }

/**
 * Reads the log of a project from the newest entry back. The invariant: what is held goes without a gap from the newest
 * entry down, each verified and named by the one after it, through what this device has seen before.
 */
export function createRfxLog(opened: OpenedRfx): RfxLog {
  const { id, call } = opened
  const mutex = createMutex()
  /** Digests of what was verified apart, by sequence. */
  const apart = new Map<number, string>()
  /** Newest first. */
  let held: ListedEntry[] = []

  return {
    update: (sequence, options) => mutex.run('log', () => update(sequence, options)),
    reach: (sequence) => mutex.run('log', () => reach(sequence)),
    at,
    newest: () => held[0]?.sequence ?? 0,
    entries: () => held.toReversed(),
    append: (answer, digest) => mutex.run('log', () => append(answer, digest)),
    verifyApart,
    forget() {
      held = []
      apart.clear()
    },
  }

  function at(sequence: number): ListedEntry | undefined {
    const newest = held[0]
    return newest && held[newest.sequence - sequence]
  }

  async function reach(sequence: number): Promise<void> {
    const newest = held[0] ?? (await update(sequence))
    held = withoutSuperseded(await fetchDown(held, sequence, {}), newest)
  }

  async function update(sequence = Number.POSITIVE_INFINITY, options: ReachOptions = {}): Promise<ListedEntry> {
    for (let attempt = 1; ; attempt++) {
      const seen = await opened.seenHead()
      const newest = await fetchNewest(sequence, seen, options)
      try {
        await opened.rememberHead({ sequence: newest.sequence, digest: newest.digest })
        return newest
      } catch (error) {
        // Another tab may have seen more, since this one asked: then there is more to fetch.
        const moved = (await opened.seenHead())?.sequence !== seen?.sequence
        if (codeOf(error) !== 'rfx_rolled_back' || !moved || attempt === attemptLimit) throw error
      }
    }
  }

  async function fetchNewest(
    sequence: number,
    seen: SeenHead | undefined,
    options: ReachOptions,
  ): Promise<ListedEntry> {
    const before = held[0]
    const isDeep = !before && sequence !== Number.POSITIVE_INFINITY
    let added = await fetchPage(undefined, isDeep ? pageLength : 1, options)
    const newest = added[0]
    if (!newest) throw new NokkelError(seen ? 'rfx_rolled_back' : 'rfx_tampered')
    if (newest.sequence < Math.max(before?.sequence ?? 0, seen?.sequence ?? 0)) throw new NokkelError('rfx_rolled_back')

    const down = before ? before.sequence + 1 : Math.min(sequence, seen?.sequence ?? newest.sequence, newest.sequence)
    added = await fetchDown(added, Math.max(1, down), options)
    if (before) added = added.filter((entry) => entry.sequence > before.sequence)
    if (before && !continues(added.at(-1), before, newest)) throw new NokkelError('rfx_rolled_back')
    const all = [...added, ...held]
    const atSeen = seen && all[newest.sequence - seen.sequence]
    if (atSeen && atSeen.digest !== seen.digest) throw new NokkelError('rfx_rolled_back')
    held = withoutSuperseded(all, newest)
    held = withoutSuperseded(await fetchDown(held, Math.max(1, Math.min(sequence, newest.sequence)), options), newest)
    return newest
  }

  /** Whether the oldest of what is new follows upon the newest of what is held; with nothing new, whether it is the same. */
  function continues(oldest: LogEntry | undefined, before: LogEntry, newest: LogEntry): boolean {
    if (!oldest) return newest.digest === before.digest
    if (oldest.previous !== before.digest) return false
    follow(oldest, before)
    return true
  }

  /** Adds older entries to `entries` until `sequence` is among them. */
  async function fetchDown(entries: readonly ListedEntry[], sequence: number, options: ReachOptions) {
    const down = [...entries]
    for (;;) {
      const oldest = down.at(-1)
      if (!oldest || oldest.sequence <= sequence) return down
      const limit = Math.min(pageLength, oldest.sequence - sequence)
      const page = await fetchPage(oldest.sequence, limit, options)
      if (page.length < limit) throw new NokkelError('rfx_tampered')
      for (const entry of page) {
        const after = down.at(-1)
        if (after) follow(after, entry)
        down.push(entry)
      }
      const total = down[0]?.sequence ?? 0
      options.onProgress?.({ done: total - (down.at(-1)?.sequence ?? 1) + 1, total })
    }
  }

  async function fetchPage(before: number | undefined, limit: number, { signal }: ReachOptions) {
    const query = { limit, ...(before === undefined ? {} : { before }) }
    const { entries } = await call('listRfxEntries', { params: { id }, query }, { signal })
    const from = before === undefined ? (entries[0]?.sequence ?? 0) : before - 1
    if (entries.length > limit) throw new NokkelError('rfx_tampered')
    const page = await Promise.all(entries.map((entry, index) => verifyListed(entry, from - index)))
    await opened.requireSigner(...page.map(({ signer }) => signer))
    for (const [index, entry] of page.entries()) {
      const older = page[index + 1]
      if (older) follow(entry, older)
    }
    return page
  }

  async function verifyListed(entry: RfxEntry, sequence: number): Promise<ListedEntry> {
    if (entry.sequence !== sequence) throw new NokkelError('rfx_tampered')
    const verified = await verify(entry)
    const { kind, object, revision, signer } = verified
    const fits =
      kind === entry.kind &&
      object === entry.objectId &&
      revision === entry.revision &&
      signer.userId === entry.author.id
    const known = apart.get(sequence)
    const isFirst = sequence > 1 || holds(verified, nothingWritten)
    if (!fits || !isFirst || (known !== undefined && known !== verified.digest)) throw new NokkelError('rfx_tampered')
    return { ...verified, author: entry.author, writtenAt: new Date(entry.createdAt) }
  }

  async function verifyApart(entry: EntryContent): Promise<LogEntry> {
    const verified = await verify(entry)
    await opened.requireSigner(verified.signer)
    const known = at(verified.sequence)?.digest ?? apart.get(verified.sequence) ?? verified.digest
    if (known !== verified.digest) throw new NokkelError('rfx_tampered')
    apart.set(verified.sequence, verified.digest)
    return verified
  }

  async function verify({
    sequence,
    version,
    wrappedKey,
    content,
    statement,
    replaced,
  }: EntryContent): Promise<LogEntry> {
    const verified = await whole('the entry', () =>
      verifyRfxEntry({
        statement,
        organizationId: opened.organizationId,
        rfxId: id,
        sequence,
        content: content === null ? null : decodeBase64Url(content),
      }),
    )
    const { kind, object, revision, current, author: signer } = verified
    if ((kind === 'removal') !== (wrappedKey === null)) throw new NokkelError('rfx_tampered')
    const digest = encodeBase64Url(verified.digest)
    const previous = verified.previous && encodeBase64Url(verified.previous)
    const sealed = { version, wrappedKey, content, replaced }
    return { sequence, kind, object, revision, current, digest, previous, signer, ...sealed }
  }

  async function append(answer: RfxEntry, digest: Uint8Array): Promise<ListedEntry> {
    const entry = await verifyListed(answer, answer.sequence)
    if (entry.digest !== encodeBase64Url(digest)) throw new NokkelError('rfx_tampered')
    const newest = held[0]
    // Somebody who reads in this page may have fetched it before.
    if (newest && newest.sequence >= entry.sequence) {
      if (at(entry.sequence)?.digest !== entry.digest) throw new NokkelError('rfx_tampered')
      return entry
    }
    if (!newest || newest.sequence !== entry.sequence - 1) throw new NokkelError('rfx_tampered')
    follow(entry, newest)
    held = [entry, ...held]
    await opened.rememberHead({ sequence: entry.sequence, digest: entry.digest }).catch(async (error: unknown) => {
      // What another tab has seen beyond it, the next update must find.
      const seen = await opened.seenHead()
      if (codeOf(error) !== 'rfx_rolled_back' || seen === undefined || seen.sequence <= entry.sequence) throw error
    })
    return entry
  }
}

/** What holds after an entry of this kind at this place. */
export function currentAfter(
  { kind, sequence }: { readonly kind: LogEntry['kind']; readonly sequence: number },
  before: RfxCurrent,
): RfxCurrent {
  return kind === 'title' || kind === 'specification' ? { ...before, [kind]: sequence } : before
}

/** Titles and specifications that do not hold any more are not read, and may be large. */
function withoutSuperseded(entries: readonly ListedEntry[], { current }: LogEntry): ListedEntry[] {
  return entries.map((entry) => {
    const { kind, sequence } = entry
    const isSuperseded = (kind === 'title' || kind === 'specification') && current[kind] !== sequence
    return isSuperseded ? { ...entry, wrappedKey: null, content: null } : entry
  })
}

/** The one entry must name the other as the one before it. */
function follow(entry: LogEntry, older: LogEntry): void {
  const fits = entry.sequence === older.sequence + 1 && entry.previous === older.digest && holds(entry, older.current)
  if (!fits) throw new NokkelError('rfx_tampered')
}

function holds(entry: LogEntry, before: RfxCurrent): boolean {
  const { title, specification } = currentAfter(entry, before)
  return entry.current.title === title && entry.current.specification === specification
}

import {
  encodeRfxComment,
  encodeRfxDocument,
  encodeRfxTitle,
  encodeSpecification,
  parseRfxComment,
  parseRfxDocument,
  parseRfxTitle,
  parseSpecification,
  type RfxDocumentContent,
} from '@nokkel/crypto'
import { createOpenedFile } from '../../assignments/opened-file.ts'
import { codeOf, NokkelError } from '../../errors.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import type { Rfx, RfxComment, RfxDocument, SavedSpecification, WorkOptions } from '../rfx.ts'
import { objectsOf } from './objects.ts'
import { openReadable } from './open-entry.ts'
import { createRfxLog, type ListedEntry, type LogEntry } from './rfx-log.ts'
import { createUploads, rfxFileContext } from './uploads.ts'
import { writeEntry } from './write-entry.ts'

/** What is written in an opened project. */
export interface RfxContent
  extends Pick<
    Rfx,
    | 'rename'
    | 'specification'
    | 'saveSpecification'
    | 'comments'
    | 'comment'
    | 'documents'
    | 'addDocument'
    | 'removeDocument'
  > {
  /** Null when it cannot be read. */
  title(): Promise<string | null>
  /** The newest entry that was read here; 0 before anything was. */
  newest(): number
  /** Fetches the newest entry, verified. Gives its sequence. */
  head(): Promise<number>
  /**
   * Verifies every entry from the newest to the first.
   *
   * @throws {NokkelError} `rfx_tampered`, `rfx_rolled_back`, `signature_untrusted`.
   */
  verifyLog(options?: WorkOptions): Promise<void>
  /** Overwrites keys of files and forgets what was read. */
  forget(): void
}

const batchLength = 100

/** Reads and writes what is in a project. Plaintexts are kept in memory so that each is decrypted once. */
export function createRfxContent(opened: OpenedRfx): RfxContent {
  const { id, call } = opened
  const log = createRfxLog(opened)
  const uploads = createUploads(opened)
  const comments = new Map<number, RfxComment>()
  const documents = new Map<number, { readonly content: RfxDocumentContent | null; readonly document: RfxDocument }>()

  return {
    async title() {
      const { current } = await log.update()
      return openReadable(opened, await titleEntry(current.title), parseRfxTitle)
    },
    newest: log.newest,
    async head() {
      return (await log.update()).sequence
    },
    async rename(title) {
      const plaintext = encodeRfxTitle(title)
      await writeEntry(opened, log, async ({ current }) => {
        const { revision } = await titleEntry(current.title)
        return { kind: 'title', object: id, revision: revision + 1, plaintext }
      })
    },
    async specification() {
      const entry = await specificationEntry((await log.update()).current.specification)
      return entry && readSpecification(entry)
    },
    async saveSpecification(specification, basedOn) {
      const plaintext = encodeSpecification(specification)
      const entry = await writeEntry(opened, log, async ({ current }) => {
        const revision = (await specificationEntry(current.specification))?.revision ?? 0
        if (revision !== basedOn) throw new NokkelError('revision_stale', { data: { revision } })
        return { kind: 'specification', object: id, revision: revision + 1, plaintext }
      })
      return readSpecification(entry)
    },
    async comments() {
      await log.update(1)
      // A later revision would be somebody's text in the place of another's.
      const entries = log.entries().filter(({ kind, revision }) => kind === 'comment' && revision === 1)
      return inBatches(entries, readComment)
    },
    async comment(text, section = null) {
      const plaintext = encodeRfxComment({ text, section })
      const object = crypto.randomUUID()
      const entry = await writeEntry(opened, log, async () => ({ kind: 'comment', object, revision: 1, plaintext }))
      return readComment(entry)
    },
    async documents() {
      await log.update(1)
      const present = [...objectsOf(log.entries()).values()].filter(({ kind }) => kind === 'document')
      return (await inBatches(present, readDocument)).map(({ document }) => document)
    },
    async addDocument(file, { replaces, ...options } = {}) {
      if (replaces !== undefined) await presentDocument(replaces)
      const target = { purpose: 'rfx-file', object: replaces ?? null, key: opened.key } as const
      return uploads.run([file], target, options, async ([stored]) => {
        if (!stored) throw new TypeError('file must be one')
        const plaintext = encodeRfxDocument({ file: stored.file })
        const { blobId } = stored.file
        // What went on may have been written before, and its answer lost.
        const written = stored.isResumed ? await documentOfFile(stored.object, blobId) : undefined
        if (written) return written
        const entry = await writeEntry(opened, log, async () => {
          const before = stored.isResumed || replaces !== undefined ? await lastOf(stored.object) : undefined
          if (replaces !== undefined && before?.kind !== 'document') throw new NokkelError('not_found')
          const object = before && replaces === undefined ? crypto.randomUUID() : stored.object
          const revision = object === stored.object ? (before?.revision ?? 0) + 1 : 1
          return { kind: 'document', object, revision, plaintext, blobs: [blobId] }
        })
        return (await readDocument(entry)).document
      })
    },
    async removeDocument(document) {
      await presentDocument(document)
      await writeEntry(opened, log, async () => {
        const before = await lastOf(document)
        if (before?.kind !== 'document') return undefined
        return { kind: 'removal', object: document, revision: before.revision + 1, plaintext: null }
      })
    },
    async verifyLog(options) {
      await log.update(1, options)
      objectsOf(log.entries())
    },
    forget() {
      for (const { content } of documents.values()) content?.file.key.fill(0)
      documents.clear()
      comments.clear()
      log.forget()
    },
  }

  /** By its signature and the newest entry alone, so that a project opens at once; the log must agree when it is read. */
  async function titleEntry(sequence: number): Promise<LogEntry> {
    const listed = log.at(sequence)
    if (listed) return isOf(listed, 'title')
    const { title } = opened.fetched()
    const entry = title?.sequence === sequence ? title : await entryAt(sequence)
    return isOf(await log.verifyApart(entry), 'title')
  }

  async function entryAt(sequence: number) {
    const entry = await call('getRfxEntry', { params: { id, sequence } }).catch((cause: unknown) => {
      throw codeOf(cause) === 'not_found' ? new NokkelError('rfx_tampered', { cause }) : cause
    })
    if (entry.sequence !== sequence) throw new NokkelError('rfx_tampered')
    return entry
  }

  async function specificationEntry(sequence: number): Promise<ListedEntry | null> {
    if (sequence === 0) return null
    await log.reach(sequence)
    const entry = log.at(sequence)
    if (!entry) throw new NokkelError('rfx_tampered')
    return isOf(entry, 'specification')
  }

  async function readSpecification(entry: ListedEntry): Promise<SavedSpecification> {
    const specification = await openReadable(opened, entry, parseSpecification)
    return { specification, ...writtenOf(entry), revision: entry.revision }
  }

  async function readComment(entry: ListedEntry): Promise<RfxComment> {
    const { sequence, object } = entry
    const known = comments.get(sequence)
    if (known) return known
    const { text, section } = (await openReadable(opened, entry, parseRfxComment)) ?? { text: null, section: null }
    const comment = { id: object, text, section, ...writtenOf(entry), sequence }
    comments.set(sequence, comment)
    return comment
  }

  async function readDocument(entry: ListedEntry) {
    const { sequence, object, revision } = entry
    const known = documents.get(sequence)
    if (known) return known
    const content = await openReadable(opened, entry, parseRfxDocument)
    const file = content && createOpenedFile(call, rfxFileContext('rfx-file', content.file.blobId, id), content.file)
    const read = { content, document: { id: object, revision, file, ...writtenOf(entry) } }
    documents.set(sequence, read)
    return read
  }

  async function lastOf(object: string): Promise<ListedEntry | undefined> {
    await log.reach(1)
    return objectsOf(log.entries()).get(object)
  }

  async function presentDocument(object: string): Promise<void> {
    await log.update(1)
    if ((await lastOf(object))?.kind !== 'document') throw new NokkelError('not_found')
  }

  async function documentOfFile(object: string, blobId: string): Promise<RfxDocument | undefined> {
    await log.update(1)
    const last = await lastOf(object)
    if (last?.kind !== 'document') return undefined
    const { content, document } = await readDocument(last)
    return content?.file.blobId === blobId ? document : undefined
  }
}

function isOf<E extends LogEntry>(entry: E, kind: LogEntry['kind']): E {
  if (entry.kind !== kind) throw new NokkelError('rfx_tampered')
  return entry
}

function writtenOf({ author, writtenAt }: ListedEntry) {
  return { author, writtenAt }
}

/** One batch after the other: a project may have thousands of documents. */
async function inBatches<E, T>(entries: readonly E[], read: (entry: E) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let start = 0; start < entries.length; start += batchLength) {
    results.push(...(await Promise.all(entries.slice(start, start + batchLength).map(read))))
  }
  return results
}

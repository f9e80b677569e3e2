import { type FileHandle, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type ErasureLedger, formatErasure, parseErasures } from '../rights/ledger.ts'

/**
 * An erasure ledger in a file: one line of JSON for each erasure, flushed to the disk before it counts. The file is made when it
 * is not there, for its owner alone to read. Only one process may write to it.
 *
 * @param path - Must outlive the database: on another disk, in backups of its own.
 *
 * @example
 * ```ts
 * const erasureLedger = fileErasureLedger('/var/lib/nokkel-ledger/erasures.jsonl')
 * const entries = await erasureLedger.entries()
 * ```
 * @see docs/spec/erasure.md
 */
export function fileErasureLedger(path: string): ErasureLedger {
  let last: Promise<unknown> = Promise.resolve()
  const oneAtATime = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work)
    last = next
    return next
  }
  return {
    append: (entry) => oneAtATime(() => withFile(path, (file) => appendLine(file, formatErasure(entry)))),
    entries: () =>
      oneAtATime(async () => {
        // Also to say at once, and not at the first erasure, that it cannot be written.
        await withFile(path, async () => undefined)
        return parseErasures(await readFile(path, 'utf8'), path)
      }),
  }
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openForWriting(path).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`The erasure ledger ${path} cannot be written: ${cause.code}.`, { cause })
  })
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
  const file = await open(path, 'wx+', 0o600)
  const directory = await open(dirname(path), 'r')
  // That there is such a file is on the disk, too.
  await directory.sync().finally(() => directory.close())
  return file
}

/** After what is whole: half a line that a stopped process has left is written over. */
async function appendLine(file: FileHandle, line: string): Promise<void> {
  const bytes = await file.readFile()
  const end = bytes.lastIndexOf(0x0a) + 1
  if (end < bytes.byteLength) await file.truncate(end)
  const encoded = Buffer.from(line)
  let written = 0
  while (written < encoded.byteLength) {
    const { bytesWritten } = await file.write(encoded, written, encoded.byteLength - written, end + written)
    written += bytesWritten
  }
  await file.sync()
}

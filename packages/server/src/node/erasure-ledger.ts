import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type ErasureLedger, formatErasure, parseErasures } from '../rights/ledger.ts'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'

/**
 * An erasure ledger in a file: one line of JSON for each erasure, flushed to the disk before it counts. The file must be there: one
 * that is gone is a reason to look, not to begin anew. Several processes may use it, also in different containers, as while one takes
 * over from another; each holds `<path>.lock` while it is at it, so its directory must be writable.
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
  const oneAtATime = <T>(work: (file: FileHandle) => Promise<T>): Promise<T> => {
    const next = last.then(
      () => withFile(path, work),
      () => withFile(path, work),
    )
    last = next
    return next
  }
  return {
    append: (entry) =>
      oneAtATime(async (file) => {
        const text = await readAll(file)
        // Another server with the same database has written it meanwhile.
        if (!text.includes(`"id":"${entry.id}"`)) await appendLine(file, text, formatErasure(entry))
        await flush(file, path)
        const isThere = (await readFile(path, 'utf8')).includes(`"id":"${entry.id}"`)
        if (!isThere) throw new Error(`The erasure ledger ${path} was cut by somebody else.`)
      }),
    entries: () => oneAtATime(async (file) => parseErasures(await readAll(file), path)),
  }
}

/** Also to read it is opened for writing: that it cannot be written is to be said at once, and not at the first erasure. */
async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, constants.O_RDWR | constants.O_APPEND).catch((cause: NodeJS.ErrnoException) => {
    throw new Error(cause.code === 'ENOENT' ? missing(path) : unusable(path, cause), { cause })
  })
  try {
    const lock = await lockFile(path)
    return await work(file).finally(() => lock.release())
  } finally {
    await file.close()
  }
}

const missing = (path: string) =>
  `The erasure ledger ${path} is not there. Bring it back if there was one: it says whom a restored database must erase again. \
Otherwise make one with nokkel erasures export ${path}.`

const unusable = (path: string, { code }: NodeJS.ErrnoException) =>
  `The erasure ledger needs ${path}, which cannot be written: ${code}.`

const attempts = 500
const pauseMilliseconds = 20
/** Whoever holds it reads and writes a file; after half the attempts it has stopped without letting go. */
const otherHostMilliseconds = 5000

async function lockFile(path: string): Promise<DirectoryLock> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await lockDirectory(resolve(path), { otherHostMilliseconds })
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code) throw new Error(unusable(`${path}.lock`, cause as Error), { cause })
      if (attempt === attempts)
        throw new Error(`The erasure ledger ${path} is in use by another process: ${path}.lock says which.`, { cause })
    }
    await setTimeout(pauseMilliseconds)
  }
}

const readAll = async (file: FileHandle) => (await file.readFile()).toString('utf8')

/** Half a line that a stopped process has left goes first. A whole one is written at once, at the end as it is then. */
async function appendLine(file: FileHandle, text: string, line: string): Promise<void> {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) await file.truncate(Buffer.byteLength(whole))
  const encoded = Buffer.from(line)
  const { bytesWritten } = await file.write(encoded)
  if (bytesWritten < encoded.byteLength) throw new Error('The disk of the erasure ledger is full.')
}

/** With its directory: that there is such a file is on the disk, too. */
async function flush(file: FileHandle, path: string): Promise<void> {
  await file.sync()
  const directory = await open(dirname(path), 'r')
  await directory.sync().finally(() => directory.close())
}

import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout } from 'node:timers/promises'

/** Held until released or until the process ends. */
export interface DirectoryLock {
  release(): void
}

interface Holder {
  /** A container is one. Whether a process of another one lives cannot be told from here. */
  readonly host?: string
  readonly pid: number
  /** When the process began, where the system tells: a later process may have got the same id. */
  readonly began: string | null
  readonly token: string
}

const heldHere = new Set<string>()
const settleMilliseconds = 100

/**
 * Makes this process the only one that uses a data directory. A lock left behind by a process that is gone is taken over.
 *
 * @param directory - Absolute path. The lock is a file beside it.
 * @param options.otherHostMilliseconds - For how long a lock of another host counts. Default 0: it is taken over at once.
 * @throws {Error} Another process uses it; says which.
 */
export async function lockDirectory(directory: string, { otherHostMilliseconds = 0 } = {}): Promise<DirectoryLock> {
  const file = `${directory}.lock`
  const mine: Holder = {
    host: hostname(),
    pid: process.pid,
    began: beginningOf(process.pid),
    token: randomUUID(),
  }
  const text = JSON.stringify(mine)
  if (heldHere.has(file)) throw inUse(directory, process.pid)
  heldHere.add(file)
  try {
    if (!writeNew(file, text)) {
      const holder = read(file)
      const isHeld =
        holder?.host && holder.host !== mine.host ? ageOf(file) < otherHostMilliseconds : holder && isAlive(holder)
      if (isHeld) throw inUse(directory, holder?.pid)
      await takeOver(file, mine, text)
      const winner = read(file)
      if (winner?.token !== mine.token) throw inUse(directory, winner?.pid)
    }
  } catch (cause) {
    heldHere.delete(file)
    throw cause
  }
  return {
    release() {
      heldHere.delete(file)
      if (read(file)?.token === mine.token) rmSync(file, { force: true })
    },
  }
}

/** Of several that take over a dead lock at once, the last to rename has it; the others see that after a moment. */
async function takeOver(file: string, mine: Holder, text: string): Promise<void> {
  const draft = `${file}.${mine.token}`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, file)
  await setTimeout(settleMilliseconds)
}

function writeNew(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw cause
  }
}

function read(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function ageOf(file: string): number {
  const modifiedAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs
  return modifiedAt === undefined ? Number.POSITIVE_INFINITY : Date.now() - modifiedAt
}

function isAlive({ pid, began }: Holder): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return began === null || beginningOf(pid) === began
}

/** Linux: ticks since the start of the system, field 22 of proc_pid_stat(5). */
function beginningOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

function inUse(directory: string, pid: number | undefined): Error {
  return new Error(
    `The data directory ${directory} is in use by process ${pid ?? 'unknown'}; only one process may open an embedded database.`,
  )
}

import { ServerError } from '../http/server-error.ts'

/** Room for a number of operations with private RSA keys. */
export interface Reservation {
  /** Runs one of the operations when its turn comes. */
  run<T>(operation: () => Promise<T>): Promise<T>
  /** Gives back what was not run. */
  release(): void
}

export interface KeyQueue {
  /** @throws {ServerError} `key_queue_full`, with the seconds to wait. */
  reserve(count: number): Reservation
  /** Resolves when nothing runs. */
  whenIdle(): Promise<void>
}

export interface KeyQueueOptions {
  /** Operations at the same time; each takes one core for some milliseconds. */
  readonly concurrency: number
  /** Operations that may be promised and not begun. */
  readonly maximumWaiting: number
}

/** What a core does in a second, to say when to come back. */
const operationsPerSecond = 300

/**
 * Lets operations with private keys through in the order they ask, as many at a time as there are cores, and refuses
 * those that would have to wait for too many others: before anything is decided or recorded of them.
 */
export function createKeyQueue({ concurrency, maximumWaiting }: KeyQueueOptions): KeyQueue {
  const waiting: (() => void)[] = []
  const idle: (() => void)[] = []
  let reserved = 0
  let running = 0

  async function run<T>(operation: () => Promise<T>): Promise<T> {
    if (running >= concurrency) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    reserved--
    try {
      return await operation()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else if (--running === 0) for (const resolve of idle.splice(0)) resolve()
    }
  }

  return {
    whenIdle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
    reserve(count) {
      if (reserved + count > maximumWaiting) {
        const retryAfterSeconds = Math.max(1, Math.ceil(reserved / (operationsPerSecond * concurrency)))
        throw new ServerError('key_queue_full', { data: { retryAfterSeconds } })
      }
      reserved += count
      let left = count
      return {
        run(operation) {
          if (left === 0) throw new RangeError('More operations than were reserved')
          left--
          return run(operation)
        },
        release() {
          reserved -= left
          left = 0
        },
      }
    },
  }
}

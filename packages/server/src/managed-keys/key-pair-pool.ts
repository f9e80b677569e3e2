import { generatePrivateKey, type PrivateKeyBytes } from '@nokkel/crypto'
import { ServerError } from '../http/server-error.ts'

/** A place among those who wait for a key. */
interface KeyPairReservation {
  /** Once. */
  take(): Promise<PrivateKeyBytes>
  /** Gives the place back if no key was taken. */
  release(): void
}

/** New private keys, some of them made before anyone asks. */
export interface KeyPairPool {
  /** @throws {ServerError} `key_queue_full`, with the seconds to wait. */
  reserve(): KeyPairReservation
  /** Begins to make keys ahead. */
  warm(): void
  /** Lets go of the keys that nobody took, after the one that is being made. */
  close(): Promise<void>
}

export interface KeyPairPoolOptions {
  /** Keys made ahead. Default 0: each is made when it is asked for. */
  readonly size?: number
  /** Keys made at the same time for those who wait. Ahead, one is made at a time. */
  readonly concurrency: number
  /** Who may wait. Default 32. */
  readonly maximumWaiting?: number
  /** Resolves when nothing more urgent needs the cores. */
  readonly whenIdle: () => Promise<void>
  readonly generate?: () => Promise<PrivateKeyBytes>
}

interface Waiting {
  readonly resolve: (key: PrivateKeyBytes) => void
  readonly reject: (cause: unknown) => void
}

/** What one key takes a core, to say when to come back. */
const secondsPerKey = 1

export function createKeyPairPool(options: KeyPairPoolOptions): KeyPairPool {
  const { size = 0, concurrency, maximumWaiting = 32, whenIdle, generate = generatePrivateKey } = options
  const ready: PrivateKeyBytes[] = []
  const waiting: Waiting[] = []
  const working = new Set<Promise<void>>()
  let reserved = 0
  let making = 0
  let target = 0
  let filling = false

  function begin(): void {
    while (making < concurrency && waiting.length > making) start(make())
    if (!filling && waiting.length === 0 && ready.length < target) {
      filling = true
      start(fill().finally(() => (filling = false)))
    }
  }

  function start(work: Promise<void>): void {
    const done = work.finally(() => {
      working.delete(done)
      begin()
    })
    working.add(done)
  }

  async function fill(): Promise<void> {
    await whenIdle()
    if (waiting.length === 0 && ready.length < target) await make()
  }

  async function make(): Promise<void> {
    making++
    try {
      const key = await generate()
      const first = waiting.shift()
      if (first) first.resolve(key)
      else if (ready.length < target) ready.push(key)
      else key.fill(0)
    } catch (cause) {
      waiting.shift()?.reject(cause)
      // What cannot be made now is not tried again until somebody asks.
      target = 0
    } finally {
      making--
    }
  }

  function take(): Promise<PrivateKeyBytes> {
    const key = ready.shift()
    const taken = key
      ? Promise.resolve(key)
      : new Promise<PrivateKeyBytes>((resolve, reject) => waiting.push({ resolve, reject }))
    begin()
    return taken
  }

  return {
    reserve() {
      const ahead = reserved + waiting.length - ready.length
      if (ahead >= maximumWaiting) {
        const retryAfterSeconds = Math.max(1, Math.ceil((ahead * secondsPerKey) / concurrency))
        throw new ServerError('key_queue_full', { data: { retryAfterSeconds } })
      }
      reserved++
      let held = true
      const release = (): void => {
        if (held) reserved--
        held = false
      }
      return {
        take() {
          if (!held) throw new RangeError('More keys than were reserved')
          release()
          return take()
        },
        release,
      }
    },
    warm() {
      target = size
      begin()
    },
    async close() {
      target = 0
      await Promise.all(working)
      for (const key of ready.splice(0)) key.fill(0)
    },
  }
}

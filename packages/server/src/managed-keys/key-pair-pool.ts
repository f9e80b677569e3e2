import { generatePrivateKey, type PrivateKeyBytes } from '@nokkel/crypto'
import { ServerError } from '../http/server-error.ts'

/** New private keys, some of them made before anyone asks. */
export interface KeyPairPool {
  /** @throws {ServerError} `key_queue_full`, with the seconds to wait. */
  take(): Promise<PrivateKeyBytes>
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
  const making = new Set<Promise<void>>()
  let target = 0
  let filling = false

  function begin(): void {
    while (making.size < concurrency && waiting.length > making.size) start(make())
    if (!filling && waiting.length === 0 && ready.length < target) {
      filling = true
      start(fill().finally(() => (filling = false)))
    }
  }

  function start(work: Promise<void>): void {
    const done = work.finally(() => {
      making.delete(done)
      begin()
    })
    making.add(done)
  }

  async function fill(): Promise<void> {
    await whenIdle()
    if (ready.length < target || waiting.length > 0) await make()
  }

  async function make(): Promise<void> {
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
    }
  }

  return {
    async take() {
      const key = ready.shift()
      if (key) {
        begin()
        return key
      }
      if (waiting.length >= maximumWaiting) {
        const retryAfterSeconds = Math.ceil((waiting.length * secondsPerKey) / concurrency)
        throw new ServerError('key_queue_full', { data: { retryAfterSeconds } })
      }
      const taken = new Promise<PrivateKeyBytes>((resolve, reject) => waiting.push({ resolve, reject }))
      begin()
      return taken
    },
    warm() {
      target = size
      begin()
    },
    async close() {
      target = 0
      await Promise.all(making)
      for (const key of ready.splice(0)) key.fill(0)
    },
  }
}

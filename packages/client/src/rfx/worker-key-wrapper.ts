import type { RfxKey } from '@nokkel/crypto'
import { NokkelError } from '../errors.ts'
import {
  directKeyWrapper,
  type KeyWrapper,
  type MadeWrap,
  type WrapOptions,
  type WrapRecipient,
} from './key-wrapper.ts'
import type { WrapAnswer, WrapRequest } from './wrap-worker.ts'

const maximumWorkers = 8
/** What one Worker does before it is given more. */
const partLength = 25

interface Part {
  readonly index: number
  readonly recipients: readonly WrapRecipient[]
}

/**
 * Wraps in Workers, as many as the device has processors, so that the page stays quick with thousands of recipients. They
 * live as long as a session. Where there are none to be had, the page does it itself.
 */
export const workerKeyWrapper: KeyWrapper = {
  open(job) {
    const own = { ...job, key: job.key.slice() as RfxKey }
    const direct = directKeyWrapper.open(job)
    const workers: Worker[] = []
    const broken = new Set<Worker>()
    let none = false

    return {
      async wrap(recipients, options = {}) {
        const parts: Part[] = []
        for (let start = 0; start < recipients.length; start += partLength) {
          parts.push({ index: parts.length, recipients: recipients.slice(start, start + partLength) })
        }
        const wanted = Math.min(parts.length, processors())
        // A handful is done sooner than a Worker has started.
        if (parts.length > 1) while (!none && workers.length < wanted) start()
        const results = new Array<(MadeWrap | null)[]>(parts.length)
        const waiting = [...parts]
        const run = async (wrapPart: (part: Part) => Promise<(MadeWrap | null)[]>) => {
          for (let part = waiting.shift(); part; part = waiting.shift()) {
            if (options.signal?.aborted) throw new NokkelError('cancelled', { cause: options.signal.reason })
            results[part.index] = await wrapPart(part)
            options.onWrapped?.(part.recipients.length)
          }
        }
        const here = ({ recipients: some }: Part) => direct.wrap(some, withoutProgress(options))
        const there = (worker: Worker) => (part: Part) =>
          broken.has(worker) ? here(part) : ask(worker, part, options.signal).then((wraps) => wraps ?? here(part))
        if (workers.length === 0 || parts.length < 2) await run(here)
        else await Promise.all(workers.slice(0, wanted).map((worker) => run(there(worker))))
        return results.flat()
      },
      close() {
        for (const worker of workers.splice(0)) worker.terminate()
        direct.close()
        own.key.fill(0)
      },
    }

    function start(): void {
      try {
        const worker = new Worker(new URL('./wrap-worker.js', import.meta.url), { type: 'module' })
        worker.addEventListener('error', () => broken.add(worker))
        worker.postMessage({ job: own } satisfies WrapRequest)
        workers.push(worker)
      } catch {
        none = true
      }
    }
  },
}

function processors(): number {
  return Math.min(maximumWorkers, Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 1))
}

function withoutProgress({ signal }: WrapOptions): WrapOptions {
  return { signal }
}

/** Gives nothing when the Worker could not run. */
function ask(
  worker: Worker,
  { index, recipients }: Part,
  signal: AbortSignal | undefined,
): Promise<(MadeWrap | null)[] | undefined> {
  return new Promise((resolve, reject) => {
    const listening = new AbortController()
    const settle = (finish: () => void) => {
      listening.abort()
      finish()
    }
    const options = { signal: listening.signal }
    worker.addEventListener(
      'message',
      ({ data }: MessageEvent<WrapAnswer>) => {
        if (data.part === index) settle(() => resolve(data.wraps ?? undefined))
      },
      options,
    )
    worker.addEventListener(
      'error',
      (event) => {
        event.preventDefault()
        settle(() => resolve(undefined))
      },
      options,
    )
    const cancel = () => settle(() => reject(new NokkelError('cancelled', { cause: signal?.reason })))
    if (signal?.aborted) return cancel()
    signal?.addEventListener('abort', cancel, options)
    worker.postMessage({ part: index, recipients: [...recipients] } satisfies WrapRequest)
  })
}

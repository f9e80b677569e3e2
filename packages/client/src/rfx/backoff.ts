import type { Clock } from '@nokkel/crypto'

const firstMilliseconds = 30_000
const maximumMilliseconds = 900_000

/** When to try again, unasked, what failed. */
export interface Backoff {
  isDue(name: string): boolean
  /** Waits 30 seconds, then twice as long each time, to 15 minutes. */
  failed(name: string): void
  succeeded(name: string): void
  /** Somebody asked for it: everything is due. */
  reset(): void
}

export function createBackoff(now: Clock): Backoff {
  const waiting = new Map<string, { readonly until: number; readonly milliseconds: number }>()
  return {
    isDue: (name) => now().getTime() >= (waiting.get(name)?.until ?? 0),
    failed(name) {
      const before = waiting.get(name)?.milliseconds
      const milliseconds = before === undefined ? firstMilliseconds : Math.min(before * 2, maximumMilliseconds)
      waiting.set(name, { until: now().getTime() + milliseconds, milliseconds })
    },
    succeeded: (name) => void waiting.delete(name),
    reset: () => waiting.clear(),
  }
}

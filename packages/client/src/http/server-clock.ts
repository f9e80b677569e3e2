import type { Clock } from '@nokkel/crypto'

export interface ServerClock {
  /** The time as the server has it, as far as is known. */
  readonly now: Clock
  /** How far this device's clock is behind; 0 until the server was seen to differ by half a minute. */
  readonly offsetSeconds: number
  /** Takes in the `Date` header of an answer. */
  observe(date: string | null): void
}

const toleratedSeconds = 30

/** Proofs and signatures carry a time the server checks; many devices have a clock that is wrong by minutes. */
export function createServerClock(now: Clock): ServerClock {
  let offsetSeconds = 0
  return {
    now: () => new Date(now().getTime() + offsetSeconds * 1000),
    get offsetSeconds() {
      return offsetSeconds
    },
    observe(date) {
      const difference = date ? Math.round((Date.parse(date) - now().getTime()) / 1000) : Number.NaN
      if (Number.isNaN(difference)) return
      if (Math.abs(difference - offsetSeconds) > toleratedSeconds) offsetSeconds = difference
    },
  }
}

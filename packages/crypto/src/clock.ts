/** Tells the time. Passed in, so that a test can set it. */
export type Clock = () => Date

export function systemClock(): Date {
  return new Date()
}

export function unixSeconds(now: Clock): number {
  const seconds = Math.floor(now().getTime() / 1000)
  if (!Number.isSafeInteger(seconds)) throw new RangeError('now must return a valid Date')
  return seconds
}

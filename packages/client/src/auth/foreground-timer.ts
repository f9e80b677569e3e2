const tickMilliseconds = 1000

/** Calls `expire` when the page has been in the foreground for so long. Returns what ends the waiting. */
export function startForegroundTimer(milliseconds: number, expire: () => void): () => void {
  let left = milliseconds
  const timer = setInterval(() => {
    if (globalThis.document?.visibilityState === 'hidden') return
    left -= tickMilliseconds
    if (left > 0) return
    clearInterval(timer)
    expire()
  }, tickMilliseconds)
  return () => clearInterval(timer)
}

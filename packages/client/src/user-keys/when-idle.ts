const longestWaitMilliseconds = 3000

/** Waits until the page has nothing better to do, where the browser can tell. */
export function whenIdle(): Promise<void> {
  if (typeof requestIdleCallback !== 'function') return Promise.resolve()
  return new Promise((resolve) => requestIdleCallback(() => resolve(), { timeout: longestWaitMilliseconds }))
}

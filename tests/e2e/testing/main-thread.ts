import type { Page } from 'playwright'

declare global {
  interface Window {
    /** Gaps between two turns of the event loop while a Worker was busy, in milliseconds. */
    mainThreadGaps: number[]
  }
}

/** Runs in the page before anything else: watches the main thread from the start of a Worker to its answer. */
export function recordMainThread(): void {
  window.mainThreadGaps = []
  let watched = 0
  let last = 0
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    const now = performance.now()
    window.mainThreadGaps.push(now - last)
    last = now
    if (watched > 0) port2.postMessage(null)
  }
  window.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options)
      watched += 1
      last = performance.now()
      port2.postMessage(null)
      const end = () => {
        watched -= 1
      }
      this.addEventListener('message', end, { once: true })
      this.addEventListener('error', end, { once: true })
    }
  }
}

/** The longest the main thread did not come round while keys were made, in milliseconds, and how often it did. */
export async function mainThreadGap(page: Page): Promise<{ longest: number; turns: number }> {
  return page.evaluate(() => ({
    longest: window.mainThreadGaps.reduce((longest, gap) => Math.max(longest, gap), 0),
    turns: window.mainThreadGaps.length,
  }))
}

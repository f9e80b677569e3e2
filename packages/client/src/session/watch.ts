import type { Clock } from '@nokkel/crypto'

export interface Watch {
  /** Looks now, and from then on at the times it finds. */
  start(): void
  stop(): void
}

interface WatchOptions {
  readonly now: Clock
  /** Does what is due. Returns when there is something to do next, in milliseconds since 1970; `undefined`: not known. */
  readonly look: () => Promise<number | undefined>
}

const longestMilliseconds = 30_000
const events = ['visibilitychange', 'focus', 'pageshow', 'resume'] as const

/**
 * Looks at the time something is due, and every half minute: a timer stands still while the device sleeps, and what is due may
 * change meanwhile. So it looks as well when the page is seen again.
 */
export function createWatch({ now, look }: WatchOptions): Watch {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isRunning = false
  let isLooking = false

  const again = () => {
    clearTimeout(timer)
    if (!isLooking) void turn()
  }

  return {
    start() {
      if (!isRunning) for (const [target, event] of targets()) target.addEventListener(event, again)
      isRunning = true
      again()
    },
    stop() {
      isRunning = false
      clearTimeout(timer)
      for (const [target, event] of targets()) target.removeEventListener(event, again)
    },
  }

  async function turn(): Promise<void> {
    isLooking = true
    // A storage that fails now is asked again.
    const next = await look().catch(() => undefined)
    isLooking = false
    if (!isRunning) return
    const left = next === undefined ? longestMilliseconds : next - now().getTime()
    clearTimeout(timer)
    timer = setTimeout(again, Math.min(Math.max(left, 0), longestMilliseconds))
    // In Node it is no reason to stay.
    if (typeof timer === 'object') (timer as { unref(): void }).unref()
  }
}

function targets(): [EventTarget, string][] {
  const { document, window } = globalThis as { readonly document?: EventTarget; readonly window?: EventTarget }
  return events.flatMap((event): [EventTarget, string][] => {
    const target = event === 'visibilitychange' || event === 'resume' ? document : window
    return target ? [[target, event]] : []
  })
}

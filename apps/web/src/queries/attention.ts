import { focusManager } from '@tanstack/react-query'

const idleMilliseconds = 10 * 60_000
const signs = ['keydown', 'pointerdown', 'wheel', 'touchmove'] as const

/**
 * Has the queries fetch again and again only while somebody is here: the page is seen, and was used in the last ten
 * minutes. Each request may go on with the session, which would keep the page of a device that was left from ever locking.
 *
 * @returns What ends it.
 */
export function watchAttention(): () => void {
  let idle: ReturnType<typeof setTimeout> | undefined
  const isSeen = () => document.visibilityState !== 'hidden'
  function use() {
    clearTimeout(idle)
    idle = setTimeout(() => focusManager.setFocused(false), idleMilliseconds)
    focusManager.setFocused(isSeen())
  }
  const passive = { capture: true, passive: true }
  for (const sign of signs) document.addEventListener(sign, use, passive)
  // Who comes back to the page is here.
  document.addEventListener('visibilitychange', use)
  use()
  return () => {
    clearTimeout(idle)
    for (const sign of signs) document.removeEventListener(sign, use, passive)
    document.removeEventListener('visibilitychange', use)
  }
}

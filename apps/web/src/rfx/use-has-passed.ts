import { useNokkel } from '@nokkel/client/react'
import { useEffect, useReducer } from 'react'
import { hasPassed } from './names.ts'

/** Whether a deadline is over by the clock of the server, which decides; the page follows when it comes. */
export function useHasPassed(deadline: Date | null): boolean {
  const nokkel = useNokkel()
  const [, lookAgain] = useReducer((count: number) => count + 1, 0)
  const at = deadline?.getTime()
  const passed = hasPassed(deadline, nokkel.now())

  useEffect(() => {
    if (at === undefined || passed) return
    let timer: ReturnType<typeof setTimeout>
    const wait = () => {
      const left = at - nokkel.now().getTime()
      // No longer than a minute at once: this device may sleep, and its clock be set.
      if (left > 0) timer = setTimeout(wait, Math.min(left, 60_000))
      else lookAgain()
    }
    wait()
    return () => clearTimeout(timer)
  }, [at, passed, nokkel])

  return passed
}

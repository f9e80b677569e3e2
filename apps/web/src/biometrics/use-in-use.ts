import { useNokkel, useSession } from '@nokkel/client/react'
import { useEffect } from 'react'

const everyMilliseconds = 60_000

/**
 * Goes on with the session while somebody types or points here, although nothing is asked of the server meanwhile: what
 * takes an hour to write is not lost to the lock.
 */
export function useInUse(): void {
  const { auth } = useNokkel()
  const signedIn = useSession().state.status === 'signed_in'

  useEffect(() => {
    if (!signedIn) return
    let last = Number.NEGATIVE_INFINITY
    function use({ timeStamp }: Event) {
      if (timeStamp - last < everyMilliseconds) return
      last = timeStamp
      // Why there is none, if so, becomes the state of the session.
      auth.accessToken().catch(() => undefined)
    }
    const passive = { capture: true, passive: true }
    for (const name of ['keydown', 'pointerdown']) document.addEventListener(name, use, passive)
    return () => {
      for (const name of ['keydown', 'pointerdown']) document.removeEventListener(name, use, passive)
    }
  }, [auth, signedIn])
}

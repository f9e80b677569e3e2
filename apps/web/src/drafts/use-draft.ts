import { useNokkel, useSession } from '@nokkel/client/react'
import { useEffect, useRef, useState } from 'react'
import { draftAt, forgetDraft, putAside } from './drafts.ts'

/** What the person was writing here when the session locked, which took the page away; `undefined`: nothing. */
export function useRestored<Draft>(place: string): Draft | undefined {
  const userId = useSession().state.me?.id
  const [restored] = useState(() => draftAt(userId, place) as Draft | undefined)
  useEffect(() => forgetDraft(place), [place])
  return restored
}

/**
 * Keeps what is written here for after a lock.
 *
 * @param read - Called when the page goes: what is to be there again; `undefined`: nothing. Files are chosen anew.
 */
export function useKept(place: string, read: () => unknown): void {
  const { auth } = useNokkel()
  const userId = useSession().state.me?.id
  const latest = useRef({ userId, read })
  useEffect(() => {
    if (userId) latest.current = { userId, read }
  })
  useEffect(
    () => () => {
      const { userId, read } = latest.current
      if (auth.getSnapshot().status !== 'locked' || !userId) return
      const draft = read()
      if (draft !== undefined) putAside(userId, place, draft)
    },
    [auth, place],
  )
}

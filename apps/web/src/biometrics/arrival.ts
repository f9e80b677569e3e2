import { useLocation, useNavigate } from '@tanstack/react-router'
import { useCallback } from 'react'

declare module '@tanstack/react-router' {
  interface HistoryState {
    /** The person has come here straight from a login. */
    afterLogin?: boolean | undefined
  }
}

/** Whether this is where a login ended, and the way on from there: the same page, as if it had been opened by itself. */
export function useArrival(): [arrived: boolean, proceed: () => void] {
  const navigate = useNavigate()
  const { afterLogin = false } = useLocation({ select: ({ state }) => state })
  const proceed = useCallback(() => {
    void navigate({
      to: '.',
      search: true,
      hash: true,
      replace: true,
      resetScroll: false,
      state: (state) => ({ ...state, afterLogin: undefined }),
    })
  }, [navigate])
  return [afterLogin, proceed]
}

import { useLocation, useNavigate } from '@tanstack/react-router'
import type { ErrorCode } from '../components/explain.ts'

/** Why a way in was not added. Kept with the place in the history, where it outlives a reload of the page. */
export interface LinkFailure {
  readonly provider: string
  readonly reason: ErrorCode | undefined
}

declare module '@tanstack/react-router' {
  interface HistoryState {
    linkFailure?: LinkFailure
  }
}

/** What is kept of it, and the way to forget it. */
export function useLinkFailure(): [kept: LinkFailure | undefined, forget: () => void] {
  const navigate = useNavigate()
  const { state, pathname } = useLocation()
  return [state.linkFailure, () => void navigate({ to: pathname, replace: true })]
}

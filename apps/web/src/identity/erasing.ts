import { createContext, useContext } from 'react'
import type { ErrorCode } from '../components/explain.ts'

export interface Erasing {
  /** Why the last try did not succeed. */
  readonly failed: { readonly code: ErrorCode | undefined } | undefined
  erase(): void
}

const context = createContext<Erasing | undefined>(undefined)

export const ErasingProvider = context.Provider

/** How the erasure of the account goes. It outlives the session, and with it the page that began it. */
export function useErasing(): Erasing {
  const erasing = useContext(context)
  if (!erasing) throw new Error('useErasing needs an ErasingProvider above it')
  return erasing
}

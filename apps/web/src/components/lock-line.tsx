import { PadlockLockedIcon } from '@navikt/aksel-icons'
import type { ReactNode } from 'react'

/** One quiet sentence that says who can read this. */
export function LockLine({ children }: { children: ReactNode }) {
  return (
    <p className="lock-line">
      <PadlockLockedIcon aria-hidden />
      <span>{children}</span>
    </p>
  )
}

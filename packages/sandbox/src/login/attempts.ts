import type { Attempt } from './login.ts'

const MAXIMUM_ATTEMPTS = 1000

export interface Attempts {
  get(grantId: string | undefined): Attempt | undefined
  add(grantId: string, attempt: Attempt): void
}

/** Remembers who logged in, and with what scenario, by the grant that the tokens come from. */
export function createAttempts(): Attempts {
  const attempts = new Map<string, Attempt>()
  return {
    get: (grantId) => (grantId === undefined ? undefined : attempts.get(grantId)),
    add(grantId, attempt) {
      attempts.set(grantId, attempt)
      const oldest = attempts.keys().next()
      if (attempts.size > MAXIMUM_ATTEMPTS && !oldest.done) attempts.delete(oldest.value)
    },
  }
}

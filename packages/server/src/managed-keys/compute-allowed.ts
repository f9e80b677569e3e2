import type { Caller } from '../audit/caller.ts'
import { type Failure, recordFailures, type Subject } from '../audit/record.ts'
import type { Database } from '../db/database.ts'
import type { Allowed, Decision } from './authorise.ts'
import { type Outcome, problemOf } from './item-outcome.ts'

export interface Computation<T> {
  readonly subject: (decision: Allowed, index: number) => Subject
  readonly compute: (decision: Allowed, index: number) => Promise<T>
}

/** Computes what was allowed, each item for itself, and records what then failed. @throws The first failure nobody foresaw. */
export async function computeAllowed<T extends object>(
  { database }: { readonly database: Database },
  caller: Caller,
  decisions: readonly Decision[],
  { subject, compute }: Computation<T>,
): Promise<Outcome<T>[]> {
  const failures: Failure[] = []
  const unforeseen: unknown[] = []
  const outcomes = await Promise.all(
    decisions.map(async (decision, index): Promise<Outcome<T>> => {
      if (decision.problem) return { code: decision.problem }
      const allowed = decision as Allowed
      try {
        return await compute(allowed, index)
      } catch (cause) {
        const problem = problemOf(cause)
        if (problem === 'server_failed' || problem === 'unavailable') unforeseen.push(cause)
        failures.push({ ...subject(allowed, index), problem })
        return { code: problem }
      }
    }),
  )
  await recordFailures(database, caller, failures)
  if (unforeseen.length > 0) throw unforeseen[0]
  return outcomes
}

import type { ProblemCode } from '@nokkel/contract'
import { CryptoError } from '@nokkel/crypto'
import { toServerError } from '../db/refusal.ts'

/** What became of one item. */
export type Outcome<T extends object> = T | { readonly code: ProblemCode }

export const isRefused = <T extends object>(outcome: Outcome<T>): outcome is { readonly code: ProblemCode } =>
  'code' in outcome

/** What is told of a computation that failed. */
export function problemOf(cause: unknown): ProblemCode {
  return cause instanceof CryptoError ? 'open_refused' : toServerError(cause).code
}

import type { Context } from 'hono'
import type { Claims } from '../db/with-claims.ts'

/** Who asks, and under which id of a request it is recorded. */
export interface Caller {
  readonly claims: Claims
  readonly requestId: string
}

export function callerOf({ claims, context }: { readonly claims: Claims; readonly context: Context }): Caller {
  return { claims, requestId: context.get('requestId') as string }
}

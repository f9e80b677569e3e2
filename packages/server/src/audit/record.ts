import type { ProblemCode } from '@nokkel/contract'
import { sql } from 'kysely'
import type { Database } from '../db/database.ts'
import { toServerError } from '../db/refusal.ts'
import type { Caller } from './caller.ts'

/** What is recorded of an operation. */
export interface Subject {
  readonly action: string
  readonly type: string
  readonly id: string | null
}

/** What was allowed, and then did not work. */
export interface Failure extends Subject {
  readonly problem: ProblemCode
}

/** In a transaction of their own, before the caller is answered. */
export async function recordFailures(
  database: Database,
  { claims, requestId }: Caller,
  failures: readonly Failure[],
): Promise<void> {
  if (failures.length === 0) return
  await sql`
    select nokkel.audit(${claims.organization}::uuid, ${claims.sub}::uuid, f.action, f.type, f.id, f.problem,
      ${requestId}::uuid, 'failed')
    from unnest(${failures.map(({ action }) => action)}::text[], ${failures.map(({ type }) => type)}::text[],
      ${failures.map(({ id }) => id)}::text[], ${failures.map(({ problem }) => problem)}::text[])
      f (action, type, id, problem)`.execute(database)
}

/** Does what the database records itself; when it refuses, its transaction is gone, and the refusal gets one of its own. */
export async function recordRefusal<T>(
  database: Database,
  { claims, requestId }: Caller,
  { action, type, id }: Subject,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const { code } = toServerError(cause)
    if (code !== 'server_failed' && code !== 'unavailable') {
      await sql`
        select nokkel.audit(${claims.organization}::uuid, ${claims.sub}::uuid, ${action}, ${type}, ${id}, ${code},
          ${requestId}::uuid)`.execute(database)
    }
    throw cause
  }
}

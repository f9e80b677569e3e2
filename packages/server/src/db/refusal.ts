import { type ProblemCode, problems } from '@nokkel/contract'
import { ServerError } from '../http/server-error.ts'

const lostConnection = /^(?:08|57P0|53300$|ECONN|EPIPE$|ETIMEDOUT$|ENOTFOUND$)/
// pg gives these no code.
const lostClient =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection)/

/**
 * What the caller is told of a failure: refusals of the database (SQLSTATE `NK001`) under their own code, everything
 * unforeseen as `server_failed`.
 */
export function toServerError(cause: unknown): ServerError {
  if (cause instanceof ServerError) return cause
  const { code, message, detail } = cause instanceof Error ? (cause as DatabaseError) : ({} as DatabaseError)
  if (code === 'NK001' && isProblemCode(message)) {
    const data = parseDetail(detail)
    return new ServerError(message, { cause, ...(data && { data }) })
  }
  if (code === '42501') return new ServerError('forbidden', { cause })
  if (code === '23505') return new ServerError('conflict', { cause })
  if (code === undefined ? lostClient.test(message) : lostConnection.test(code))
    return new ServerError('unavailable', { cause })
  return new ServerError('server_failed', { cause })
}

interface DatabaseError extends Error {
  readonly code?: string
  readonly detail?: string
}

const isProblemCode = (text: string): text is ProblemCode => Object.hasOwn(problems, text)

function parseDetail(detail: string | undefined): Record<string, unknown> | undefined {
  return detail ? (JSON.parse(detail) as Record<string, unknown>) : undefined
}

import type { Problem, ProblemCode } from '@nokkel/contract'
import { NokkelError } from '../errors.ts'

/** Turns an answer that is not a success into an error with the code of its problem document (RFC 9457). */
export async function problemOf(response: Response): Promise<NokkelError> {
  const retryAfterSeconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const retry = Number.isFinite(retryAfterSeconds) ? { retryAfterSeconds } : {}
  const problem = await readProblem(response)
  if (problem === undefined) {
    const gateway = response.status === 502 || response.status === 503 || response.status === 504
    return new NokkelError(gateway ? 'unavailable' : 'answer_unexpected', {
      message: `The server answered ${response.status} without a problem document`,
      data: { status: response.status, ...retry },
    })
  }
  return new NokkelError(problem.code as ProblemCode, {
    message: problem.title,
    data: { ...problem.data, status: response.status, ...retry },
  })
}

async function readProblem(response: Response): Promise<Problem | undefined> {
  if (!response.headers.get('content-type')?.startsWith('application/problem+json')) return undefined
  const problem = (await response.json().catch(() => undefined)) as Problem | undefined
  return typeof problem?.code === 'string' && typeof problem.title === 'string' ? problem : undefined
}

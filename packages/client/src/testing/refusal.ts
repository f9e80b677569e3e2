import type { ProblemCode } from '@nokkel/contract'
import type { Endpoint } from '../http/endpoints.ts'

/** One request to the fake server. */
export interface Exchange {
  readonly endpoint: Endpoint
  readonly url: URL
  readonly params: Record<string, string>
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire, each handler knows its shape
  readonly body: any
  readonly bytes: Uint8Array
  readonly headers: Headers
}

export type Handlers = { [E in Endpoint]?: (exchange: Exchange) => unknown }

/** Answers instead of the server. `undefined`: the server answers after all. */
export type Intercept = (exchange: Exchange) => Response | undefined | Promise<Response | undefined>

/** Says no, as the server does. */
export class Refusal extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly data: Record<string, unknown> | undefined

  constructor(code: ProblemCode, status = 400, data?: Record<string, unknown>) {
    super(code)
    this.code = code
    this.status = status
    this.data = data
  }

  toResponse(): Response {
    const { code, status, data } = this
    const problem = { type: `urn:nokkel:problem:${code}`, title: code, status, code, ...(data && { data }) }
    return Response.json(problem, { status, headers: { 'content-type': 'application/problem+json' } })
  }
}

import { type ProblemCode, problems } from '@nokkel/contract'

/** A refusal with a stable code. The HTTP edge turns it into the problem document of that code. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  readonly code: ProblemCode
  readonly detail: string | undefined
  readonly data: Readonly<Record<string, unknown>> | undefined

  constructor(
    code: ProblemCode,
    options: {
      detail?: string
      data?: Readonly<Record<string, unknown>>
      cause?: unknown
    } = {},
  ) {
    super(options.detail ?? problems[code].title, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail
    this.data = options.data
  }
}

/** Why the sandbox refused. */
export type SandboxErrorCode = 'production_mode' | 'person_unknown' | 'page_unexpected'

/** The one error class of this package; see `code`. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
  readonly code: SandboxErrorCode

  constructor(code: SandboxErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

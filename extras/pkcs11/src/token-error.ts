/** The hardware module cannot be used as asked; the message says why in one sentence, and never holds the PIN. */
export class TokenError extends Error {
  override readonly name = 'TokenError'
}

/** A setting is missing or wrong; the message names it in one sentence, without its value. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}

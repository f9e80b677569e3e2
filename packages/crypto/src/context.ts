import type { Bytes } from './bytes.ts'
import { hasExactly } from './members.ts'
import { encodePae } from './pae.ts'
import { assertName } from './text.ts'

/**
 * The place a ciphertext belongs to. It is authenticated with the ciphertext and not stored in it: bytes moved to
 * another row, column or owner do not open there.
 */
export interface Context {
  /** What the plaintext is for, such as `assignment-content`. */
  readonly purpose: string
  readonly table: string
  readonly column: string
  /** Primary key of the row, as text. */
  readonly row: string
  /** The person, device or company it belongs to, as text. */
  readonly owner: string
}

const names = ['purpose', 'table', 'column', 'row', 'owner'] as const

/**
 * Encodes a context as bytes: the PAE of `nokkel/context/v1` and the five members in the order of {@link Context}.
 *
 * @throws {TypeError} A member is missing, is not well-formed text, or is not one of the five.
 * @throws {RangeError} A member is empty, which would bind nothing.
 *
 * @example
 * ```ts
 * encodeContext({ purpose: 'note', table: 'note', column: 'body', row: '17', owner: 'usr_1' })
 * ```
 */
export function encodeContext(context: Context): Bytes {
  if (!hasExactly(context, names)) throw new TypeError(`context must have exactly: ${names.join(', ')}`)
  for (const name of names) assertName(context[name], `context.${name}`)
  return encodePae('nokkel/context/v1', ...names.map((name) => context[name]))
}

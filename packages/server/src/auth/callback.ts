import { ServerError } from '../http/server-error.ts'
import { sha256 } from '../keyring/digest.ts'
import type { ProviderDefinition } from './providers/provider.ts'

/** What the attempt remembers, and so what the callback must fit. */
export interface ExpectedCallback {
  readonly issuer: string
  readonly stateHash: Uint8Array
  readonly asksPersonnummer: boolean
}

/**
 * Reads the query the provider redirected back with.
 *
 * @returns Parameters with a code, which belong to the attempt.
 * @throws {ServerError} `login_mismatch`: of another attempt or issuer, or no answer at all; `login_refused`, with the
 * provider's error code.
 * @see RFC 6749 §4.1.2, RFC 9207 §2.4
 */
export async function readCallback(
  query: string,
  { repairCallback }: ProviderDefinition,
  { issuer, stateHash, asksPersonnummer }: ExpectedCallback,
): Promise<URLSearchParams> {
  const parameters = new URLSearchParams(repairCallback(query))
  const names = [...parameters.keys()]
  const [state, iss] = [parameters.get('state'), parameters.get('iss')]
  const belongs =
    new Set(names).size === names.length &&
    state !== null &&
    isSame(await sha256(state), stateHash) &&
    (iss === null || iss === issuer)
  if (!belongs) throw new ServerError('login_mismatch')
  const error = parameters.get('error')
  if (error !== null) {
    throw new ServerError('login_refused', { data: { error: toRefusal(error, asksPersonnummer) } })
  }
  if (!parameters.get('code')) throw new ServerError('login_mismatch')
  return parameters
}

/**
 * What the client acts on. Vipps refuses the personnummer with a code that it does not document: any that speaks of a
 * scope is taken for the standard one, after which the person is asked to go on without.
 */
function toRefusal(error: string, asksPersonnummer: boolean): string {
  if (!/^[a-z_]{1,64}$/.test(error)) return 'unknown'
  return asksPersonnummer && error.split('_').includes('scope') ? 'invalid_scope' : error
}

export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index])
}

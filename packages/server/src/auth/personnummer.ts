import { idnr } from '@navikt/fnrvalidator'

/** A fødselsnummer or D-number with valid check digits. Never stored, logged or put in an error. */
export type Personnummer = string & { readonly __brand: 'Personnummer' }

const real = new Set(['fnr', 'dnr'])
const synthetic = new Set(['tnr', 'dnr-and-tnr'])

/** @param allowSynthetic - Whether the numbers of made-up people count, too: never in production. */
export function parsePersonnummer(value: unknown, allowSynthetic: boolean): Personnummer | null {
  if (typeof value !== 'string') return null
  const result = idnr(value)
  if (result.status !== 'valid') return null
  return real.has(result.type) || (allowSynthetic && synthetic.has(result.type)) ? (value as Personnummer) : null
}

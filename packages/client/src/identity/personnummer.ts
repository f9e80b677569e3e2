/** Where something typed as a personnummer goes wrong. */
export type PersonnummerFault = 'length' | 'characters' | 'date' | 'check_digits'

const firstWeights = [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]
const secondWeights = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]

/**
 * Looks for what a person has mistyped, before anything is sent. Fødselsnummer and D-numbers, by the rules until and from 2032;
 * those of made-up people count as well. The server decides.
 *
 * @see https://skatteetaten.github.io/folkeregisteret-api-dokumentasjon/nytt-fodselsnummer-fra-2032/
 */
export function faultOf(personnummer: string): PersonnummerFault | null {
  if (!/^[0-9]*$/.test(personnummer)) return 'characters'
  if (personnummer.length !== 11) return 'length'
  if (!hasDate(personnummer)) return 'date'
  const remainder = (weights: readonly number[]) =>
    weights.reduce((sum, weight, index) => sum + weight * Number(personnummer[index]), 0) % 11
  // From 2032 the first check digit may leave a remainder of up to 3.
  return remainder(firstWeights) <= 3 && remainder(secondWeights) === 0 ? null : 'check_digits'
}

/** A D-number has 40 more days, a made-up one 80 more months. The century is not told by the number. */
function hasDate(personnummer: string): boolean {
  const day = Number(personnummer.slice(0, 2)) % 40
  const month = Number(personnummer.slice(2, 4)) % 80
  const year = 2000 + Number(personnummer.slice(4, 6))
  const date = new Date(Date.UTC(year, month - 1, day))
  return Number(personnummer[0]) < 8 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

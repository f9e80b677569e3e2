import * as m from '../paraglide/messages.js'

/**
 * What is wrong with a number as it was typed, in words that help to mend it and do not repeat it. `undefined`: its form is right. Whether
 * it may be used decides the server.
 */
export function wrongPersonnummer(typed: string): string | undefined {
  const text = typed.replace(/[\s\u00a0-]/g, '')
  if (text === '') return m.pnr_wrong_empty()
  if (!/^\d+$/.test(text)) return m.pnr_wrong_characters()
  if (text.length < 11) return m.pnr_wrong_short({ count: 11 - text.length })
  if (text.length > 11) return m.pnr_wrong_long({ count: text.length - 11 })
  const digits = Array.from(text, Number)
  if (!isDate(digits)) return m.pnr_wrong_date()
  return hasCheckDigits(digits) ? undefined : m.pnr_wrong_digits()
}

/** The eleven digits without what people put between them. */
export const personnummerOf = (typed: string): string => typed.replace(/\D/g, '')

/** The day is 40 more in a D number, the month 80 more in one of a made-up person; the century is not in it. */
function isDate([d1 = 0, d2 = 0, m1 = 0, m2 = 0]: readonly number[]): boolean {
  const day = (d1 >= 4 ? d1 - 4 : d1) * 10 + d2
  const month = (m1 >= 8 ? m1 - 8 : m1) * 10 + m2
  const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  return longest !== undefined && day >= 1 && day <= longest
}

/** From 2032 the first one may leave a remainder of up to 3. */
function hasCheckDigits(digits: readonly number[]): boolean {
  const remainder = (weights: readonly number[]) =>
    weights.reduce((sum, weight, index) => sum + weight * (digits[index] ?? 0), 0) % 11
  return remainder([3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) <= 3 && remainder([5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) === 0
}

import type { PersonnummerFault } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

/** What was typed without what people put between the digits. */
export const personnummerOf = (typed: string): string => typed.replace(/[\s-]/g, '')

/** What is wrong with it, in words that help to mend it and do not repeat it. */
export function explainFault(fault: PersonnummerFault, personnummer: string): string {
  const missing = 11 - personnummer.length
  switch (fault) {
    case 'characters':
      return m.pnr_wrong_characters()
    case 'length':
      if (missing === 11) return m.pnr_wrong_empty()
      return missing > 0 ? m.pnr_wrong_short({ count: missing }) : m.pnr_wrong_long({ count: -missing })
    case 'date':
      return m.pnr_wrong_date()
    case 'check_digits':
      return m.pnr_wrong_digits()
  }
}

import type { Duplicate } from '@nokkel/client'
import * as m from '../paraglide/messages.js'

/** What makes two accounts look like one person's. */
export const evidenceName: Record<Duplicate['evidence'], () => string> = {
  personnummer: m.evidence_personnummer,
  both_logins: m.evidence_both_logins,
  phone_and_email: m.evidence_phone_and_email,
}

/** How much it proves. */
export const evidenceWeight = (evidence: Duplicate['evidence']): string =>
  evidence === 'phone_and_email' ? m.evidence_weak() : m.evidence_strong()

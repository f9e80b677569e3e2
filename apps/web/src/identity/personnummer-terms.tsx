import { Paragraph } from '@digdir/designsystemet-react'
import { Facts } from '../components/facts.tsx'
import * as m from '../paraglide/messages.js'
import { useOrganization } from '../queries/organizations.ts'

/** Of the text below: whoever changes what it says gives it another one. */
export const personnummerConsent = { version: 'personnummer-v1' } as const

/** What a person says yes to when their number is kept. */
export function PersonnummerTerms() {
  const organization = useOrganization()?.name ?? ''
  return (
    <>
      <Facts
        facts={[
          [m.pnr_why(), m.pnr_why_body({ organization })],
          [m.pnr_how(), m.pnr_how_body()],
          [m.pnr_basis(), m.cons_basis_a_12()],
          [m.pnr_until(), m.pnr_until_body()],
          [m.pnr_back(), m.pnr_back_body()],
        ]}
      />
      <Paragraph data-size="sm">{m.pnr_version(personnummerConsent)}</Paragraph>
    </>
  )
}

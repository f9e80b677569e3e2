import type { ReactNode } from 'react'
import { Facts } from '../components/facts.tsx'
import * as m from '../paraglide/messages.js'
import { useOrganization } from '../queries/organizations.ts'

/** Of the text below: whoever changes what it says gives it another one. */
export const personnummerConsent = { version: 'personnummer-v1' } as const

/** What a person says yes to when their number is kept; after what is known of the number itself. */
export function PersonnummerTerms({ known = [] }: { known?: readonly (readonly [name: string, value: ReactNode])[] }) {
  const organization = useOrganization()?.name ?? ''
  return (
    <div className="terms">
      <Facts
        facts={[
          ...known,
          [m.pnr_why(), m.pnr_why_body({ organization })],
          [m.pnr_how(), m.pnr_how_body()],
          [m.pnr_basis(), m.pnr_basis_body()],
          [m.pnr_until(), m.pnr_until_body()],
          [m.pnr_back(), m.pnr_back_body()],
          [m.pnr_version_name(), personnummerConsent.version],
        ]}
      />
    </div>
  )
}

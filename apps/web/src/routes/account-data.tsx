import { Heading, Paragraph } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { Link } from '@tanstack/react-router'
import { AccountPages } from '../account/account-pages.tsx'
import { ContactDetails } from '../account/contact.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { ConsentList } from '../identity/consent-list.tsx'
import { ExportSection } from '../identity/export-section.tsx'
import { PersonnummerSection } from '../identity/personnummer-section.tsx'
import * as m from '../paraglide/messages.js'
import { useLinkedLogins } from '../queries/logins.ts'
import { useLocale } from '../settings/locale.ts'

/** What is held of the person: seeing it, taking it back, taking it away and erasing it. */
export function AccountDataPage() {
  useLocale()
  const { me } = useSession().state
  const { data } = useLinkedLogins()
  if (!me) return null

  return (
    <div className="page">
      <AccountPages />
      <div className="stack-tight">
        <PageHeading>{m.data_title()}</PageHeading>
        <Paragraph>{m.data_lead()}</Paragraph>
      </div>
      <PersonnummerSection me={me} />
      {data && <ContactDetails contact={data.contact} />}
      <ConsentList />
      <ExportSection />
      <section className="stack-tight" aria-labelledby="erase">
        <Heading id="erase" level={2} data-size="xs">
          {m.erase_title()}
        </Heading>
        <Paragraph>{m.erase_lead()}</Paragraph>
        <Link to="/account/erase" className="ds-link back">
          {m.erase_open()}
        </Link>
      </section>
    </div>
  )
}

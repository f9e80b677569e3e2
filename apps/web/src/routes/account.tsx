import { Paragraph } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { About } from '../account/about.tsx'
import { AccountPages } from '../account/account-pages.tsx'
import { Leave } from '../account/leave.tsx'
import { LoginList } from '../account/login-list.tsx'
import { SessionList } from '../account/session-list.tsx'
import { BiometricsCard } from '../biometrics/biometrics-card.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import * as m from '../paraglide/messages.js'
import { useLinkedLogins } from '../queries/logins.ts'
import { useLocale } from '../settings/locale.ts'

/** The person's own account: who they are here, how they get in, and where they are in now. */
export function AccountPage() {
  useLocale()
  const { me } = useSession().state
  const { data } = useLinkedLogins()
  if (!me) return null

  return (
    <div className="page">
      <AccountPages />
      <div className="stack-tight">
        <PageHeading>{m.account_title()}</PageHeading>
        <Paragraph>{m.account_lead()}</Paragraph>
      </div>
      <About me={me} logins={data?.logins} />
      <LoginList me={me} />
      <BiometricsCard me={me} />
      <SessionList />
      <Leave />
    </div>
  )
}

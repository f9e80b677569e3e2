import { Paragraph } from '@digdir/designsystemet-react'
import { useNokkel, useSession } from '@nokkel/client/react'
import { AdministrationPages } from '../admin/admin-pages.tsx'
import { Assurance } from '../admin/assurance.tsx'
import { BankId } from '../admin/bankid.tsx'
import { CheckVipps } from '../admin/check-vipps.tsx'
import { Cost } from '../admin/cost.tsx'
import { Usage } from '../admin/usage.tsx'
import { Vipps } from '../admin/vipps.tsx'
import { Warnings } from '../admin/warnings.tsx'
import { codeOf } from '../components/explain.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useLoginSettings } from '../queries/administration.ts'
import { useLocale } from '../settings/locale.ts'

/** How people log in to the organisation: what is amiss, how certain a login is, and Vipps with what it costs. */
export function AdministrationPage() {
  useLocale()
  const { me } = useSession().state
  const nokkel = useNokkel()
  const { data: settings, error, isPending, refetch } = useLoginSettings(me)

  return (
    <div className="page">
      <AdministrationPages />
      <div className="stack-tight">
        <PageHeading>{m.admin_login_title()}</PageHeading>
        <Paragraph>{m.admin_login_lead({ organization: me?.organization.name ?? '' })}</Paragraph>
      </div>
      {isPending && <Waiting reason={m.admin_login_loading()} />}
      {error && <Problem code={codeOf(error)} onRetry={() => void refetch()} />}
      {settings && (
        <>
          <Warnings warnings={settings.warnings} />
          <BankId bankid={settings.bankid} />
          <Vipps settings={settings} />
          {settings.vipps?.secretSet && <CheckVipps />}
          <Cost settings={settings} />
          <Usage settings={settings} month={monthInOslo(nokkel.now())} />
          <Assurance settings={settings} />
        </>
      )}
    </div>
  )
}

/** The calendar month that Vipps is counted by, as `YYYY-MM`. */
const monthInOslo = (at: Date): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Oslo', year: 'numeric', month: '2-digit' }).format(at)

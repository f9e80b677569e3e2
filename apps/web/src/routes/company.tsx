import { Paragraph, Tag } from '@digdir/designsystemet-react'
import { useSession } from '@nokkel/client/react'
import { getRouteApi, Link } from '@tanstack/react-router'
import { CompanyKeys } from '../companies/company-keys.tsx'
import { CompanyMembers } from '../companies/company-members.tsx'
import { Invite } from '../companies/invite.tsx'
import { LeaveCompany } from '../companies/leave-company.tsx'
import { roleName } from '../companies/role-name.ts'
import { codeOf } from '../components/explain.ts'
import { LockLine } from '../components/lock-line.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useCompany } from '../queries/companies.ts'
import { useLocale } from '../settings/locale.ts'

const route = getRouteApi('/signed-in/companies/$id')

export function CompanyPage() {
  useLocale()
  const { id } = route.useParams()
  const { me } = useSession().state
  const { data: company, error, isPending, refetch } = useCompany(id)
  const gone = codeOf(error) === 'not_found'
  const administers = company?.role === 'administrator'

  return (
    <div className="page">
      <Link to="/companies" className="ds-link back">
        {m.company_back()}
      </Link>
      {isPending && <Waiting reason={m.company_loading()} />}
      {gone ? (
        <div className="stack-tight">
          <PageHeading>{m.company_gone_title()}</PageHeading>
          <Paragraph>{m.company_gone_body()}</Paragraph>
        </div>
      ) : (
        error && <Problem code={codeOf(error)} onRetry={() => void refetch()} />
      )}
      {company && !gone && me && (
        <>
          <div className="stack-tight">
            <div className="device-name">
              <PageHeading>{company.name}</PageHeading>
              {company.role && <Tag data-color={administers ? 'accent' : 'neutral'}>{roleName[company.role]()}</Tag>}
            </div>
            <LockLine>{m.company_lock()}</LockLine>
          </div>
          <CompanyKeys company={company} />
          <CompanyMembers company={company} myId={me.id} />
          {administers && <Invite companyId={id} organization={me.organization.name} />}
          <LeaveCompany company={company} />
        </>
      )}
    </div>
  )
}

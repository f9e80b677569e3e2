import { Button, Paragraph } from '@digdir/designsystemet-react'
import { BriefcaseIcon, PlusIcon } from '@navikt/aksel-icons'
import { useSession } from '@nokkel/client/react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useOwnCompanies } from '../queries/companies.ts'
import { useProjects } from '../queries/rfx.ts'
import { CreateProject } from '../rfx/create-project.tsx'
import { ProjectRow } from '../rfx/project-row.tsx'
import { useLocale } from '../settings/locale.ts'

export function ProjectsPage() {
  useLocale()
  const { me } = useSession().state
  const projects = useProjects()
  const companies = useOwnCompanies()
  const [creating, setCreating] = useState(false)
  const own = companies.data?.items ?? []
  const none = projects.data?.length === 0
  const create = own.length > 0 && (
    <Button onClick={() => setCreating(true)}>
      <PlusIcon aria-hidden />
      {m.rfx_create()}
    </Button>
  )

  return (
    <div className="page">
      <div className="page-head">
        <PageHeading>{m.rfxs_title()}</PageHeading>
        {!none && create}
      </div>
      <div className="stack-tight">
        <Paragraph>{m.rfxs_lead()}</Paragraph>
        {me?.role === 'administrator' && (
          <Link to="/reviewers" className="ds-link back">
            {m.reviewers_link()}
          </Link>
        )}
      </div>
      {projects.isPending && <ListSkeleton reason={m.rfxs_loading()} />}
      {projects.isError && <Problem code={codeOf(projects.error)} onRetry={() => void projects.refetch()} />}
      {none && (
        <Empty
          icon={<BriefcaseIcon aria-hidden />}
          title={m.rfxs_empty_title()}
          body={own.length > 0 ? m.rfxs_empty_body() : m.rfxs_empty_without_company()}
        >
          {create}
        </Empty>
      )}
      {projects.data && !none && (
        <ul className="rows" aria-label={m.rfxs_list_label()}>
          {projects.data.map((project) => (
            <ProjectRow key={project.id} project={project} />
          ))}
        </ul>
      )}
      {creating && <CreateProject companies={own} onClose={() => setCreating(false)} />}
    </div>
  )
}

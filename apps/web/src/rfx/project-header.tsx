import { Alert, Button, Heading, Paragraph, Tag } from '@digdir/designsystemet-react'
import { CheckmarkIcon } from '@navikt/aksel-icons'
import { formatMoment } from '../components/format.ts'
import { LockLine } from '../components/lock-line.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Progress } from '../components/progress.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshRfx } from '../queries/rfx.ts'
import { NewRecipientsLine } from './key-notices.tsx'
import { roleName, statuses, statusName } from './names.ts'
import { type Project, useProject } from './project.ts'
import { ProjectActions } from './project-actions.tsx'
import { useHasPassed } from './use-has-passed.ts'
import { useWork } from './use-work.ts'

/** What a project is called, where it stands, who can read it, and what may be done with it now. */
export function ProjectHeader() {
  const project = useProject()
  const { details } = project
  const { title, company, role, deadline } = details
  const passed = useHasPassed(deadline)

  return (
    <header className="stack">
      <div className="stack-tight">
        <div className="device-name">
          <PageHeading>{title ?? m.rfx_title_unreadable()}</PageHeading>
          <Tag data-color="accent">{m.rfx_own_role({ role: roleName[role]() })}</Tag>
        </div>
        <p className="row-meta">
          <span>{m.rfx_buyer_is({ company: company.name })}</span>
          {details.createdBy.name && <span>{m.rfx_created_by({ name: details.createdBy.name })}</span>}
          {deadline && (
            <time dateTime={deadline.toISOString()}>
              {passed
                ? m.rfx_deadline_passed({ when: formatMoment(deadline) })
                : m.rfx_deadline_when({ when: formatMoment(deadline) })}
            </time>
          )}
        </p>
      </div>
      <Steps status={details.status} />
      <LockLine>{whoReads(project)}</LockLine>
      <KeyWork />
      <NewRecipientsLine />
      <ProjectActions />
    </header>
  )
}

function Steps({ status }: Pick<Project['details'], 'status'>) {
  const at = statuses.indexOf(status)
  return (
    <ol className="steps" aria-label={m.rfx_steps()}>
      {statuses.map((step, index) => (
        <li
          key={step}
          className={index < at ? 'step step-done' : index === at ? 'step step-here' : 'step'}
          aria-current={index === at ? 'step' : undefined}
        >
          <span className="step-mark" aria-hidden="true">
            {index < at ? <CheckmarkIcon fontSize="1.125rem" /> : index + 1}
          </span>
          <span>{statusName[step]()}</span>
        </li>
      ))}
    </ol>
  )
}

/** Who can read this, in one sentence. */
function whoReads({ details: { status, role, company, suppliers } }: Project): string {
  const { name } = company
  if (role === 'supplier') return m.rfx_lock_supplier({ company: name })
  switch (status) {
    case 'draft':
      return m.rfx_lock_draft({ company: name })
    case 'in_review':
      return m.rfx_lock_in_review({ company: name })
    case 'approved':
      return m.rfx_lock_approved({ company: name, count: suppliers.length })
    case 'closed':
      return m.rfx_lock_closed({ company: name, count: suppliers.length })
  }
}

const working = {
  distributing: m.rfx_work_distributing,
  rekeying: m.rfx_work_rekeying,
  moving: m.rfx_work_moving,
} as const

/** What is done with the key in the background, and what has to be done by somebody. */
function KeyWork() {
  const { rfx, snapshot, details } = useProject()
  const refresh = useRefreshRfx(rfx)
  const settle = useWork((options) => rfx.settle(options), refresh)
  const { work } = snapshot
  const { rekeyPending, role, status } = details
  const mayWrap = role !== 'supplier' && status !== 'closed'

  if (work) {
    return (
      <div className="key-work" role="status">
        <Paragraph data-size="sm">{working[work.kind]({ done: work.done, total: work.total })}</Paragraph>
        <Progress label={m.rfx_work()} value={work.done} total={work.total} />
      </div>
    )
  }
  if (!rekeyPending) return null
  return (
    <Alert data-color="info" role="status" className="notice">
      <Heading level={2} data-size="2xs">
        {m.rfx_rekey_title()}
      </Heading>
      <div className="notice-body">
        <Paragraph>{m.rfx_rekey_body({ company: details.company.name })}</Paragraph>
        {settle.state === 'failed' && <Problem code={settle.code} />}
        {mayWrap && (
          <Button variant="secondary" loading={settle.state === 'running'} onClick={() => settle.start()}>
            {m.rfx_rekey_now()}
          </Button>
        )}
      </div>
    </Alert>
  )
}

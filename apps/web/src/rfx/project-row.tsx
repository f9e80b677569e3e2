import { Tag } from '@digdir/designsystemet-react'
import { BriefcaseIcon, ChevronRightIcon, ExclamationmarkTriangleIcon, PadlockLockedIcon } from '@navikt/aksel-icons'
import type { RfxListItem } from '@nokkel/client'
import { Link } from '@tanstack/react-router'
import { formatMoment } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { nextStep, roleName, statusColor, statusName } from './names.ts'
import { useHasPassed } from './use-has-passed.ts'

const icons = { ready: BriefcaseIcon, waiting_for_key: PadlockLockedIcon, error: ExclamationmarkTriangleIcon }

/** A project in the list: what it is called, where it stands and what the person may do next. */
export function ProjectRow({ project }: { project: RfxListItem }) {
  const { id, title, state, status, role, company, deadline } = project
  const Icon = icons[state]
  const passed = useHasPassed(deadline)
  // From then on the next step says when.
  const isOpen = status === 'approved' || status === 'closed'
  return (
    <li className="row">
      <Link to="/rfx/$id" params={{ id }} className="row-link">
        <Icon aria-hidden className={state === 'ready' ? 'row-icon row-icon-new' : 'row-icon'} />
        <span className="row-body">
          <span className="row-text">
            <span className="row-title">
              {title ?? (state === 'ready' ? m.rfx_title_unreadable() : m.rfx_untitled({ company: company.name }))}
            </span>
            <span className="row-meta">
              {(title !== null || state === 'ready') && <span>{company.name}</span>}
              <span>{roleName[role]()}</span>
              {deadline && !isOpen && <span>{m.rfx_deadline_when({ when: formatMoment(deadline) })}</span>}
            </span>
            <span className="row-note">{nextStep(project, passed)}</span>
          </span>
          {state === 'waiting_for_key' ? (
            <Tag data-color="warning">{m.rfx_waiting_tag()}</Tag>
          ) : (
            <Tag data-color={statusColor[status]}>{statusName[status]()}</Tag>
          )}
        </span>
        <ChevronRightIcon aria-hidden className="row-chevron" />
      </Link>
    </li>
  )
}

import { Link } from '@tanstack/react-router'
import * as m from '../paraglide/messages.js'
import { useProject } from './project.ts'

/** The parts of a project, each a page of its own; what only buyers and reviewers see is left out for suppliers. */
export function ProjectParts() {
  const { rfx, details } = useProject()
  const parts = [
    { to: '/rfx/$id', label: m.rfx_part_specification() },
    { to: '/rfx/$id/documents', label: m.rfx_part_documents() },
    { to: '/rfx/$id/comments', label: m.rfx_part_comments() },
    { to: '/rfx/$id/bids', label: m.rfx_part_bids() },
    ...(details.role === 'supplier'
      ? []
      : ([
          { to: '/rfx/$id/people', label: m.rfx_part_people() },
          { to: '/rfx/$id/check', label: m.rfx_part_check() },
        ] as const)),
  ] as const
  return (
    <nav aria-label={m.rfx_parts()}>
      <ul className="subpages">
        {parts.map(({ to, label }) => (
          <li key={to}>
            <Link to={to} params={{ id: rfx.id }} activeOptions={{ exact: true }} className="subpage">
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}

import { Paragraph } from '@digdir/designsystemet-react'
import { Link } from '@tanstack/react-router'
import { use } from 'react'
import * as m from '../paraglide/messages.js'
import { ProjectContext } from './project.ts'

/** What to do so that the bids can be opened although one person goes. */
export function OpenersWanted() {
  const company = use(ProjectContext)?.details.company
  if (!company) return null
  return (
    <>
      <Paragraph>{m.openers_wanted({ company: company.name })}</Paragraph>
      <Link to="/companies/$id" params={{ id: company.id }} className="ds-link">
        {m.openers_wanted_link()}
      </Link>
    </>
  )
}

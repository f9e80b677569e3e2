import type { Specification } from '@nokkel/client'
import { type Edit, edit } from './specification-edit.ts'

/** More inputs than this at once make the page slow; a single section may have more. */
const mostFields = 60

/** A specification and which of its sections are unfolded, to be written in. */
export interface OpenSpecification {
  readonly specification: Specification
  readonly open: ReadonlySet<string>
}

export type OpenEdit = Edit | { type: 'fold'; id: string } | { type: 'unfold'; id: string }

/** All of a short one, the first section of a long one. */
export function startOpen(specification: Specification): OpenSpecification {
  const ids = specification.sections.map(({ id }) => id)
  const all = new Set(ids)
  return { specification, open: fits(specification, all) ? all : new Set(ids.slice(0, 1)) }
}

export function editOpen(present: OpenSpecification, change: OpenEdit): OpenSpecification {
  const { specification, open } = present
  if (change.type === 'fold') return { specification, open: new Set([...open].filter((id) => id !== change.id)) }
  if (change.type === 'unfold') return unfold(specification, open, change.id)
  const changed = edit(specification, change)
  const added = change.type === 'add-section' ? changed.sections.at(-1) : undefined
  return added ? unfold(changed, open, added.id) : { specification: changed, open }
}

/** Folds the others when they are too many together. */
function unfold(specification: Specification, open: ReadonlySet<string>, id: string): OpenSpecification {
  if (open.has(id)) return { specification, open }
  const more = new Set([...open, id])
  return { specification, open: fits(specification, more) ? more : new Set([id]) }
}

const fits = ({ sections }: Specification, open: ReadonlySet<string>): boolean =>
  sections.reduce((sum, { id, fields }) => sum + (open.has(id) ? fields.length : 0), 0) <= mostFields

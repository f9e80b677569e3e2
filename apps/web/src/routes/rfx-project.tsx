import { useSession } from '@nokkel/client/react'
import { getRouteApi, Link, Outlet } from '@tanstack/react-router'
import { useState } from 'react'
import { useKept, useRestored } from '../drafts/use-draft.ts'
import * as m from '../paraglide/messages.js'
import { useRfx } from '../queries/rfx.ts'
import { LeaveGuard } from '../rfx/leave-guard.tsx'
import { ProjectContext } from '../rfx/project.ts'
import { ProjectHeader } from '../rfx/project-header.tsx'
import { ProjectParts } from '../rfx/project-parts.tsx'
import { ProjectUnopened } from '../rfx/project-unopened.tsx'
import { type CommentDraft, createUnsaved } from '../rfx/unsaved.ts'
import { useUploads } from '../rfx/use-uploads.ts'
import { useLocale } from '../settings/locale.ts'

const route = getRouteApi('/signed-in/rfx/$id')

export function ProjectPage() {
  useLocale()
  const { id } = route.useParams()
  return (
    <div className="page">
      <Link to="/rfx" className="ds-link back">
        {m.rfx_back()}
      </Link>
      <OpenedProject key={id} id={id} />
    </div>
  )
}

/** The project once its key is here, and else what is the matter with it. */
function OpenedProject({ id }: { id: string }) {
  const { me } = useSession().state
  const { rfx, snapshot } = useRfx(id)
  const uploads = useUploads(rfx)
  const comment = useRestored<CommentDraft>(`/rfx/${id}/comments`)
  const [unsaved] = useState(() => createUnsaved(comment))
  useKept(`/rfx/${id}/comments`, () => (unsaved.comment.text.trim() === '' ? undefined : unsaved.comment))
  const { state, details } = snapshot
  if (state !== 'ready' || !details || !me) return <ProjectUnopened rfx={rfx} snapshot={snapshot} />
  return (
    <ProjectContext value={{ rfx, snapshot, details, me, uploads, unsaved }}>
      <ProjectHeader />
      <ProjectParts />
      <Outlet />
      <LeaveGuard id={id} unsaved={unsaved} uploads={uploads} />
    </ProjectContext>
  )
}

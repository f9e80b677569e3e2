import type { Me, Rfx, RfxDetails, RfxSnapshot } from '@nokkel/client'
import { createContext, use } from 'react'
import type { Unsaved } from './unsaved.ts'
import type { Uploads } from './use-uploads.ts'

export interface Project {
  readonly rfx: Rfx
  readonly snapshot: Readonly<RfxSnapshot>
  readonly details: RfxDetails
  readonly me: Me
  /** They go on while the person looks at another part of the project. */
  readonly uploads: Uploads
  readonly unsaved: Unsaved
}

export const ProjectContext = createContext<Project | null>(null)

/** The project whose page this is part of. */
export function useProject(): Project {
  const project = use(ProjectContext)
  if (!project) throw new TypeError('useProject needs a project page above it')
  return project
}

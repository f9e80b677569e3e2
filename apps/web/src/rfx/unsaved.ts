import { useEffect, useId } from 'react'
import { useProject } from './project.ts'

/** What is lost by leaving: this part of the project, or the project altogether. */
type Reach = 'part' | 'project'

export interface CommentDraft {
  readonly text: string
  /** Id of the section it is about; empty for the whole. */
  readonly section: string
}

/** What the person has begun in a project and not saved. It is read when they are about to leave, so nothing is drawn anew for it. */
export interface Unsaved {
  /** Stays while they look at another part. */
  comment: CommentDraft
  readonly held: Map<string, Reach>
}

export const createUnsaved = (comment: CommentDraft = { text: '', section: '' }): Unsaved => ({
  comment,
  held: new Map(),
})

/** Whether leaving for another page would lose something. */
export const isLost = ({ comment, held }: Unsaved, stays: boolean): boolean =>
  stays ? [...held.values()].includes('part') : held.size > 0 || comment.text.trim() !== ''

/** Asks before the person leaves, as long as something here is not saved. */
export function useUnsaved(isUnsaved: boolean): void {
  const { unsaved } = useProject()
  useHold(unsaved, 'part', isUnsaved)
}

export function useHold({ held }: Unsaved, reach: Reach, isHeld: boolean): void {
  const id = useId()
  useEffect(() => {
    if (!isHeld) return
    held.set(id, reach)
    return () => {
      held.delete(id)
    }
  }, [held, id, reach, isHeld])
}

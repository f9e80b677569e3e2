import type { Duplicate } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import * as m from '../paraglide/messages.js'
import { useRefreshDuplicates } from '../queries/administration.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'

interface UndoDialogProps {
  duplicate: Duplicate
  onUndone: () => void
  onClose: () => void
}

/** Puts everything back that a merge moved; a pair that was dismissed is open again. */
export function UndoDialog({ duplicate, onUndone, onClose }: UndoDialogProps) {
  const { administration } = useNokkel()
  return (
    <WorkDialog
      title={duplicate.merge ? m.merge_undo_title() : m.dismissed_undo_title()}
      intro={duplicate.merge ? m.merge_undo_body() : m.dismissed_undo_body()}
      confirm={m.merge_undo_confirm()}
      working={m.merge_undo_working()}
      run={async () => {
        await administration.undoMerge(duplicate.id)
        onUndone()
      }}
      onSettled={useRefreshDuplicates()}
      onClose={onClose}
    />
  )
}

import { Alert, Paragraph } from '@digdir/designsystemet-react'
import * as m from '../paraglide/messages.js'

/** Tells that what was begun before the lock is here again. */
export function DraftRestored({ hasFiles = false }: { hasFiles?: boolean }) {
  return (
    <Alert data-color="info" role="status" className="notice">
      <Paragraph>{hasFiles ? m.draft_restored() : m.draft_restored_text()}</Paragraph>
    </Alert>
  )
}

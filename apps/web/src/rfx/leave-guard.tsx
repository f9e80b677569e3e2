import { Button, Dialog, Heading, Paragraph } from '@digdir/designsystemet-react'
import { type ShouldBlockFn, useBlocker } from '@tanstack/react-router'
import { useCallback, useId } from 'react'
import * as m from '../paraglide/messages.js'
import { isLost, type Unsaved, useHold } from './unsaved.ts'
import type { Uploads } from './use-uploads.ts'

interface LeaveGuardProps {
  id: string
  unsaved: Unsaved
  uploads: Uploads
}

/** Asks before somebody leaves what they have written, or an upload that is not finished. */
export function LeaveGuard({ id, unsaved, uploads }: LeaveGuardProps) {
  const title = useId()
  const uploading = uploads.list.some(({ state }) => state !== 'failed')
  useHold(unsaved, 'project', uploading)
  const shouldBlockFn = useCallback<ShouldBlockFn>(
    ({ current, next }) =>
      current.pathname !== next.pathname && isLost(unsaved, `${next.pathname}/`.startsWith(`/rfx/${id}/`)),
    [id, unsaved],
  )
  const enableBeforeUnload = useCallback(() => isLost(unsaved, false), [unsaved])
  const { status, proceed, reset } = useBlocker({ shouldBlockFn, enableBeforeUnload, withResolver: true })
  if (status !== 'blocked') return null
  return (
    <Dialog open closedby="closerequest" closeButton={false} role="alertdialog" aria-labelledby={title} onClose={reset}>
      <Dialog.Block className="stack">
        <Heading id={title} level={2} data-size="xs">
          {m.unsaved_title()}
        </Heading>
        <Paragraph>{uploading ? m.unsaved_upload() : m.unsaved_text()}</Paragraph>
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button onClick={reset}>{m.unsaved_stay()}</Button>
        <Button variant="secondary" data-color="danger" onClick={proceed}>
          {m.unsaved_leave()}
        </Button>
      </Dialog.Block>
    </Dialog>
  )
}

import { Button, Dialog, Paragraph } from '@digdir/designsystemet-react'
import { useMutation } from '@tanstack/react-query'
import { useId } from 'react'
import { DialogHeading } from '../components/dialog-heading.tsx'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'

interface EndMembershipDialogProps {
  title: string
  body: string
  confirm: string
  working: string
  end: () => Promise<void>
  onEnded: () => Promise<void>
  onClose: () => void
}

/** Asks before somebody's access ends, and says that it ends at once. */
export function EndMembershipDialog(props: EndMembershipDialogProps) {
  const title = useId()
  const end = useMutation({ mutationFn: props.end, onSuccess: props.onEnded })

  return (
    <Dialog
      open
      closedby={end.isPending ? 'none' : 'closerequest'}
      closeButton={false}
      aria-labelledby={title}
      onClose={props.onClose}
    >
      <Dialog.Block>
        <DialogHeading id={title}>{props.title}</DialogHeading>
      </Dialog.Block>
      <Dialog.Block className="stack">
        <Paragraph>{props.body}</Paragraph>
        {end.isError && <Problem code={codeOf(end.error)} />}
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button data-color="danger" loading={end.isPending} onClick={() => end.mutate()}>
          {end.isPending ? props.working : props.confirm}
        </Button>
        <Button variant="secondary" disabled={end.isPending} onClick={props.onClose}>
          {m.cancel()}
        </Button>
      </Dialog.Block>
    </Dialog>
  )
}

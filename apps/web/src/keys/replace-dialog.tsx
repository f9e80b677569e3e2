import { Button, Dialog, List, Paragraph } from '@digdir/designsystemet-react'
import { useState } from 'react'
import { DialogHeading } from '../components/dialog-heading.tsx'
import { formatWhen } from '../components/format.ts'
import * as m from '../paraglide/messages.js'

interface ReplaceDialogProps {
  organization: string
  others: readonly { name: string; registeredAt: string }[]
  onConfirm: () => Promise<void>
  onDecline: () => void
}

/** Asks once before another device ends, and says everything that follows from it. */
export function ReplaceDialog({ organization, others, onConfirm, onDecline }: ReplaceDialogProps) {
  const [working, setWorking] = useState(false)

  async function confirm() {
    setWorking(true)
    await onConfirm()
    setWorking(false)
  }

  return (
    <Dialog
      open
      closedby={working ? 'none' : 'closerequest'}
      closeButton={false}
      aria-labelledby="replace-title"
      onClose={onDecline}
    >
      <Dialog.Block>
        <DialogHeading id="replace-title">{m.replace_title()}</DialogHeading>
      </Dialog.Block>
      <Dialog.Block className="stack">
        <Paragraph>{m.replace_intro({ organization })}</Paragraph>
        <List.Unordered>
          {others.map((other) => (
            <List.Item key={`${other.name} ${other.registeredAt}`}>
              {m.replace_ends({ name: other.name, when: formatWhen(other.registeredAt) })}
            </List.Item>
          ))}
          <List.Item>{m.replace_unreadable()}</List.Item>
          <List.Item>{m.replace_told()}</List.Item>
        </List.Unordered>
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button loading={working} onClick={() => void confirm()}>
          {working ? m.replace_working() : m.replace_confirm()}
        </Button>
        <Button variant="secondary" disabled={working} onClick={onDecline}>
          {m.replace_decline()}
        </Button>
      </Dialog.Block>
    </Dialog>
  )
}

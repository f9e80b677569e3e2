import { Button, Dialog, Paragraph } from '@digdir/designsystemet-react'
import type { SavedSpecification, Specification } from '@nokkel/client'
import { useId } from 'react'
import { DialogHeading } from '../components/dialog-heading.tsx'
import { formatWhen } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { differencesOf } from './specification-values.ts'

interface ConflictDialogProps {
  theirs: SavedSpecification
  mine: Specification
  saving: boolean
  onKeepMine: () => void
  onTakeTheirs: () => void
  /** To write on, knowing what the other one wrote. */
  onBack: () => void
}

/** Somebody else saved meanwhile: shows where the two differ, and lets the person decide. */
export function ConflictDialog({ theirs, mine, saving, onKeepMine, onTakeTheirs, onBack }: ConflictDialogProps) {
  const title = useId()
  const unreadable = theirs.specification === null
  const differences = theirs.specification ? differencesOf(theirs.specification, mine) : []
  const name = theirs.author.name ?? m.rfx_somebody()
  return (
    <Dialog
      open
      closedby={saving ? 'none' : 'closerequest'}
      closeButton={false}
      aria-labelledby={title}
      className="conflict"
      onClose={onBack}
    >
      <Dialog.Block className="stack">
        <DialogHeading id={title}>{m.spec_conflict_title({ name })}</DialogHeading>
        <Paragraph>{m.spec_conflict_body({ name, when: formatWhen(theirs.writtenAt) })}</Paragraph>
      </Dialog.Block>
      <Dialog.Block className="stack">
        {unreadable && <Paragraph>{m.spec_conflict_unreadable()}</Paragraph>}
        {!unreadable && differences.length === 0 && <Paragraph>{m.spec_conflict_order()}</Paragraph>}
        {differences.map(({ key, where, theirs: their, mine: my }) => (
          <div key={key} className="difference">
            <p className="row-title">{where || m.spec_unnamed()}</p>
            <dl className="difference-sides">
              <div>
                <dt>{m.spec_conflict_theirs({ name })}</dt>
                <dd>{their}</dd>
              </div>
              <div>
                <dt>{m.spec_conflict_mine()}</dt>
                <dd>{my}</dd>
              </div>
            </dl>
          </div>
        ))}
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button loading={saving} onClick={onKeepMine}>
          {m.spec_conflict_keep_mine()}
        </Button>
        <Button variant="secondary" disabled={saving} onClick={onTakeTheirs}>
          {m.spec_conflict_take_theirs({ name })}
        </Button>
        <Button variant="tertiary" disabled={saving} onClick={onBack}>
          {m.spec_conflict_back()}
        </Button>
      </Dialog.Block>
    </Dialog>
  )
}

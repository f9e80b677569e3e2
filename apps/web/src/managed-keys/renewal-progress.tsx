import { Button, Dialog, Paragraph } from '@digdir/designsystemet-react'
import type { RegenerationProgress } from '@nokkel/client'
import { Progress } from '../components/progress.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'

interface RenewalProgressProps {
  progress: RegenerationProgress | undefined
  onStop: () => void
}

export function RenewalProgress({ progress, onStop }: RenewalProgressProps) {
  const moving = progress?.step === 'moving' ? progress : undefined
  return (
    <>
      <Dialog.Block className="stack">
        {moving && moving.total > 0 ? (
          <>
            <Paragraph role="status">
              {moving.moved < moving.total
                ? m.moving_count({ moved: moving.moved, total: moving.total })
                : m.moving_finishing()}
            </Paragraph>
            <Progress label={m.moving_progress()} value={moving.moved} total={moving.total} />
          </>
        ) : (
          <Waiting reason={moving ? m.moving_finishing() : m.moving_making()} />
        )}
        <Paragraph data-size="sm">{m.moving_safe()}</Paragraph>
      </Dialog.Block>
      <Dialog.Block className="actions">
        <Button variant="secondary" onClick={onStop}>
          {m.moving_stop()}
        </Button>
      </Dialog.Block>
    </>
  )
}

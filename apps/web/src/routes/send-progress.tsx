import { Button, Paragraph } from '@digdir/designsystemet-react'
import type { SendProgress as Sent } from '@nokkel/client'
import { formatPercent } from '../components/format.ts'
import { Progress } from '../components/progress.tsx'
import * as m from '../paraglide/messages.js'

export function SendProgress({ progress, onCancel }: { progress: Sent | undefined; onCancel: () => void }) {
  const { phase = 'encrypting', bytes = 0, total = 0 } = progress ?? {}
  const percent = formatPercent(bytes, total)
  return (
    <div className="send-progress">
      <Paragraph>{phase === 'encrypting' ? m.send_encrypting({ percent }) : m.send_sending({ percent })}</Paragraph>
      <Progress label={m.send_progress()} value={bytes} total={total} />
      <Paragraph data-size="sm" role="status">
        {m.send_keep_open()}
      </Paragraph>
      <div className="actions">
        <Button variant="secondary" onClick={onCancel}>
          {m.cancel()}
        </Button>
      </div>
    </div>
  )
}

import { Alert, Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import type { ManagedKeyView } from '@nokkel/client'
import { Problem } from '../components/problem.tsx'
import { Progress } from '../components/progress.tsx'
import * as m from '../paraglide/messages.js'
import { Unmoved } from './renewal-done.tsx'
import { type Renew, useRenewal } from './use-renewal.ts'

interface LeftBehindProps {
  keys: readonly ManagedKeyView[]
  move: Renew
  onSettled: () => void
}

/** What is still locked with older keys, because moving it was interrupted or did not succeed; and going on with it. */
export function LeftBehind({ keys, move, onSettled }: LeftBehindProps) {
  const moving = useRenewal(move, onSettled)
  const left = keys.filter(({ state }) => state !== 'active').reduce((sum, { wraps }) => sum + wraps, 0)
  if (moving.state === 'done' && moving.result.failed.length > 0) return <Unmoved failed={moving.result.failed} />
  if (left === 0) return null
  const progress = moving.state === 'running' ? moving.progress : undefined

  return (
    <Alert data-color="info" className="notice">
      <Heading level={2} data-size="2xs">
        {m.left_title()}
      </Heading>
      <div className="notice-body">
        <Paragraph>{m.left_body({ count: left })}</Paragraph>
        {progress && progress.total > 0 && (
          <Progress label={m.moving_progress()} value={progress.moved} total={progress.total} />
        )}
        {moving.state === 'failed' && <Problem code={moving.code} />}
        <Button variant="secondary" loading={moving.state === 'running'} onClick={moving.start}>
          {m.left_action()}
        </Button>
      </div>
    </Alert>
  )
}

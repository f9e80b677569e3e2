import { Button, Dialog, List, Paragraph } from '@digdir/designsystemet-react'
import { useId } from 'react'
import { DialogHeading } from '../components/dialog-heading.tsx'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { RenewalDone } from './renewal-done.tsx'
import { RenewalProgress } from './renewal-progress.tsx'
import { type Renew, useRenewal } from './use-renewal.ts'

type RenewReason = 'renew' | 'report' | 'report_older'

interface RenewDialogProps {
  reason: RenewReason
  renew: Renew
  /** Something may have changed: look again. */
  onSettled: () => void
  onClose: () => void
}

const texts = {
  renew: {
    title: m.renew_title,
    done: m.moved_title,
    intro: m.renew_intro,
    points: [m.renew_readable, m.renew_moves, m.renew_fingerprint],
    confirm: m.key_renew,
  },
  report: {
    title: m.report_title,
    done: m.moved_title,
    intro: m.report_intro,
    points: [m.report_marked, m.report_projects, m.report_new, m.report_read],
    confirm: m.report_confirm,
  },
  report_older: {
    title: m.report_title,
    done: m.reported_title,
    intro: m.report_intro,
    points: [m.report_marked, m.report_projects, m.report_older_stays, m.report_read],
    confirm: m.report_confirm,
  },
} as const

/** Says what a new key, or giving a key up as compromised, means; then does it with its progress. */
export function RenewDialog({ reason, renew, onSettled, onClose }: RenewDialogProps) {
  const renewal = useRenewal(renew, onSettled)
  const title = useId()
  const { intro, points, confirm, done, title: question } = texts[reason]

  return (
    <Dialog
      open
      closedby={renewal.state === 'running' ? 'none' : 'closerequest'}
      closeButton={false}
      aria-labelledby={title}
      onClose={onClose}
    >
      <Dialog.Block>
        <DialogHeading id={title}>
          {renewal.state === 'done' ? done() : renewal.state === 'running' ? m.moving_title() : question()}
        </DialogHeading>
      </Dialog.Block>
      {renewal.state === 'running' ? (
        <RenewalProgress progress={renewal.progress} onStop={renewal.stop} />
      ) : renewal.state === 'done' ? (
        <RenewalDone result={renewal.result} onClose={onClose} />
      ) : (
        <>
          <Dialog.Block className="stack">
            <Paragraph>{intro()}</Paragraph>
            <List.Unordered>
              {points.map((point) => (
                <List.Item key={point()}>{point()}</List.Item>
              ))}
            </List.Unordered>
            {renewal.state === 'failed' && <RenewalFailed code={renewal.code} />}
          </Dialog.Block>
          <Dialog.Block className="actions">
            {renewal.state === 'asking' && (
              <Button {...(reason !== 'renew' && { 'data-color': 'danger' as const })} onClick={renewal.start}>
                {confirm()}
              </Button>
            )}
            <Button variant="secondary" onClick={onClose}>
              {renewal.state === 'asking' ? m.cancel() : m.close()}
            </Button>
          </Dialog.Block>
        </>
      )}
    </Dialog>
  )
}

function RenewalFailed({ code }: { code: Parameters<typeof Problem>[0]['code'] }) {
  return code === 'cancelled' ? <Paragraph role="status">{m.moving_stopped()}</Paragraph> : <Problem code={code} />
}

import { Button, Dialog, List, Paragraph } from '@digdir/designsystemet-react'
import type { WorkOptions } from '@nokkel/client'
import { type FormEvent, type ReactNode, useId } from 'react'
import { DialogHeading } from '../components/dialog-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Progress } from '../components/progress.tsx'
import * as m from '../paraglide/messages.js'
import { OpenersWanted } from './openers-wanted.tsx'
import { useWork } from './use-work.ts'

interface WorkDialogProps<T> {
  title: string
  intro?: string
  /** What will happen, one sentence each. */
  points?: readonly string[]
  /** What the person chooses or writes. */
  children?: ReactNode
  confirm: string
  working: string
  danger?: boolean
  /** Whether it takes long enough to be stopped. */
  stoppable?: boolean
  /** Says what is missing and refuses to begin. Default: nothing is. */
  isReady?: () => boolean | Promise<boolean>
  run: (options: WorkOptions) => Promise<T>
  onSettled?: () => Promise<void>
  /** What came of it. Default: the dialog closes. */
  done?: ((result: T) => ReactNode) | undefined
  doneTitle?: string
  onClose: () => void
}

/** Says exactly what will happen, does it with its progress, and tells what came of it. */
export function WorkDialog<T>(props: WorkDialogProps<T>) {
  const { intro, points, children, stoppable = false, done, onClose, isReady = () => true } = props
  const work = useWork(props.run, props.onSettled)
  const [title, form] = [useId(), useId()]
  const running = work.state === 'running'

  async function submit(event: FormEvent) {
    event.preventDefault()
    if (await isReady()) work.start(done ? undefined : onClose)
  }

  return (
    <Dialog
      open
      closedby={running ? 'none' : 'closerequest'}
      closeButton={false}
      aria-labelledby={title}
      onClose={onClose}
    >
      <Dialog.Block>
        <DialogHeading id={title} first={children === undefined}>
          {work.state === 'done' ? (props.doneTitle ?? props.title) : props.title}
        </DialogHeading>
      </Dialog.Block>
      {work.state === 'done' && done ? (
        <>
          <Dialog.Block className="stack">{done(work.result)}</Dialog.Block>
          <Dialog.Block className="actions">
            <Button onClick={onClose}>{m.close()}</Button>
          </Dialog.Block>
        </>
      ) : (
        <>
          <Dialog.Block>
            <form id={form} className="stack" noValidate onSubmit={(event) => void submit(event)}>
              {intro && <Paragraph>{intro}</Paragraph>}
              {points && points.length > 0 && (
                <List.Unordered>
                  {points.map((point) => (
                    <List.Item key={point}>{point}</List.Item>
                  ))}
                </List.Unordered>
              )}
              {children}
              {running && work.progress && work.progress.total > 0 && (
                <>
                  <Paragraph data-size="sm" role="status">
                    {m.rfx_progress({ done: work.progress.done, total: work.progress.total })}
                  </Paragraph>
                  <Progress label={props.working} value={work.progress.done} total={work.progress.total} />
                </>
              )}
              {work.state === 'failed' &&
                (work.code === 'cancelled' ? (
                  <Paragraph role="status">{m.rfx_stopped()}</Paragraph>
                ) : (
                  <Problem code={work.code}>
                    {work.code === 'openers_missing' && work.data?.wanted === 'company_key_or_second_opener' && (
                      <OpenersWanted />
                    )}
                  </Problem>
                ))}
            </form>
          </Dialog.Block>
          <Dialog.Block className="actions">
            <Button
              type="submit"
              form={form}
              loading={running}
              {...(props.danger && { 'data-color': 'danger' as const })}
            >
              {running ? props.working : props.confirm}
            </Button>
            {running && stoppable ? (
              <Button variant="secondary" onClick={work.stop}>
                {m.moving_stop()}
              </Button>
            ) : (
              <Button variant="secondary" disabled={running} onClick={onClose}>
                {m.cancel()}
              </Button>
            )}
          </Dialog.Block>
        </>
      )}
    </Dialog>
  )
}

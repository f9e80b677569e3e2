import { Button, Textfield } from '@digdir/designsystemet-react'
import type { OutgoingFile } from '@nokkel/client'
import { useDeviceKeys } from '@nokkel/client/react'
import { type FormEvent, useRef, useState } from 'react'
import { LockLine } from '../components/lock-line.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { DraftRestored } from '../drafts/draft-restored.tsx'
import { useKept, useRestored } from '../drafts/use-draft.ts'
import { KeyStatus } from '../keys/key-status.tsx'
import * as m from '../paraglide/messages.js'
import { useSend } from '../queries/send.ts'
import { useLocale } from '../settings/locale.ts'
import { FilePicker } from './file-picker.tsx'
import { type Recipient, RecipientPicker } from './recipient-picker.tsx'
import { SendDone } from './send-done.tsx'
import { SendProgress } from './send-progress.tsx'

/** What is there again after a lock: all but the files. */
interface Draft {
  readonly recipients: readonly Recipient[]
  readonly title: string
  readonly body: string
}

export function SendPage() {
  useLocale()
  const { state: keys } = useDeviceKeys()
  const send = useSend()
  const form = useRef<HTMLFormElement>(null)
  const restored = useRestored<Draft>('/send')
  const [recipients, setRecipients] = useState<readonly Recipient[]>(restored?.recipients ?? [])
  const [title, setTitle] = useState(restored?.title ?? '')
  const [body, setBody] = useState(restored?.body ?? '')
  const [files, setFiles] = useState<readonly OutgoingFile[]>([])
  const [checked, setChecked] = useState(false)
  const begun = send.state !== 'done' && (recipients.length > 0 || title !== '' || body !== '')
  useKept('/send', () => (begun ? ({ recipients, title, body } satisfies Draft) : undefined))

  const missing = {
    recipients: checked && recipients.length === 0 ? m.send_missing_recipient() : undefined,
    title: checked && title.trim() === '' ? m.send_missing_subject() : undefined,
    body: checked && body.trim() === '' ? m.send_missing_body() : undefined,
  }

  function submit(event: FormEvent) {
    event.preventDefault()
    setChecked(true)
    if (recipients.length === 0) form.current?.querySelector<HTMLElement>('input[type="search"]')?.focus()
    else if (title.trim() === '') form.current?.querySelector<HTMLElement>('input[name="title"]')?.focus()
    else if (body.trim() === '') form.current?.querySelector('textarea')?.focus()
    else send.start({ to: recipients.map(({ id }) => id), title: title.trim(), body, files })
  }

  function startOver() {
    send.reset()
    setRecipients([])
    setTitle('')
    setBody('')
    setFiles([])
    setChecked(false)
  }

  if (send.state === 'done') return <SendDone count={recipients.length} onAnother={startOver} />

  return (
    <div className="page">
      <div className="stack-tight">
        <PageHeading>{m.send_title()}</PageHeading>
        {keys.status === 'ready' ? <LockLine>{m.send_lock()}</LockLine> : <KeyStatus />}
      </div>
      {restored && begun && <DraftRestored hasFiles />}
      <form ref={form} className="form" noValidate onSubmit={submit}>
        <fieldset className="form-fields" disabled={send.state === 'running'}>
          <RecipientPicker chosen={recipients} onChange={setRecipients} error={missing.recipients} />
          <Textfield
            name="title"
            label={m.send_subject()}
            description={m.send_subject_help()}
            value={title}
            maxLength={200}
            autoComplete="off"
            error={missing.title}
            onChange={(event) => setTitle(event.target.value)}
          />
          <Textfield
            multiline
            rows={8}
            label={m.send_body()}
            value={body}
            error={missing.body}
            onChange={(event) => setBody(event.target.value)}
          />
          <FilePicker files={files} onChange={setFiles} />
        </fieldset>
        {send.state === 'failed' &&
          (send.code === 'cancelled' ? (
            <p role="status" className="row-note">
              {m.send_cancelled()}
            </p>
          ) : (
            <Problem code={send.code} />
          ))}
        {send.state === 'running' ? (
          <SendProgress progress={send.progress} onCancel={send.cancel} />
        ) : (
          <div className="actions">
            <Button type="submit" data-size="lg" disabled={keys.status !== 'ready'}>
              {recipients.length > 0 ? m.send_submit_count({ count: recipients.length }) : m.send_submit()}
            </Button>
          </div>
        )}
      </form>
    </div>
  )
}

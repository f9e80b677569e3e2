import { Alert, Button, Paragraph, Textfield } from '@digdir/designsystemet-react'
import type { OpenedBid, OpenedFile, OutgoingFile, Person, Progress as WorkProgress } from '@nokkel/client'
import { type FormEvent, useRef, useState } from 'react'
import { formatMoment, formatPercent, parseNumber } from '../components/format.ts'
import { LockLine } from '../components/lock-line.tsx'
import { Problem } from '../components/problem.tsx'
import { Progress } from '../components/progress.tsx'
import { DraftRestored } from '../drafts/draft-restored.tsx'
import { useKept } from '../drafts/use-draft.ts'
import * as m from '../paraglide/messages.js'
import { FilePicker } from '../routes/file-picker.tsx'
import { useProject } from './project.ts'
import { useUnsaved } from './unsaved.ts'
import { useWork } from './use-work.ts'

/** What is there again after a lock: all but the files. */
export interface BidDraft {
  readonly text: string
  readonly amountText: string
}

/** Where it is kept. */
export const bidPlace = (rfxId: string, companyId: string): string => `/rfx/${rfxId}/bids ${companyId}`

interface BidFormProps {
  company: Person
  /** The bid this takes the place of, to begin from. */
  before: OpenedBid | undefined
  /** What was written before a lock, which goes before that. */
  restored: BidDraft | undefined
  replaces: boolean
  /** Whether bids are still received. */
  isOpen: boolean
  onSubmitted: () => Promise<void>
  onClose: () => void
}

/** Writes a bid, which is sealed on this device. */
export function BidForm({ company, before, restored, replaces, isOpen, onSubmitted, onClose }: BidFormProps) {
  const { rfx, details } = useProject()
  const form = useRef<HTMLFormElement>(null)
  const [text, setText] = useState(restored?.text ?? before?.text ?? '')
  const [amountText, setAmountText] = useState(restored?.amountText ?? before?.amount ?? '')
  const [attached] = useState<readonly OutgoingFile[]>(() => before?.files.map(asOutgoing) ?? [])
  const [files, setFiles] = useState(attached)
  const [checked, setChecked] = useState(false)
  const amount = amountText.trim() === '' ? null : parseNumber(amountText, 2)
  const amountWrong = amountText.trim() !== '' && amount === null
  const empty = text.trim() === '' && amountText.trim() === '' && files.length === 0
  const submit = useWork((options) =>
    rfx.submitBid(company.id, { text: text.trim(), amount, currency: 'NOK', files }, options),
  )
  const running = submit.state === 'running'
  const sent = submit.state === 'done'
  const written = text !== (before?.text ?? '') || amountText !== (before?.amount ?? '')
  useUnsaved(!sent && (written || files !== attached))
  useKept(bidPlace(rfx.id, company.id), () =>
    sent || !written ? undefined : ({ text, amountText } satisfies BidDraft),
  )

  function send(event: FormEvent) {
    event.preventDefault()
    if (!isOpen) return
    setChecked(true)
    if (empty || amountWrong) form.current?.querySelector('input')?.focus()
    else submit.start(() => void onSubmitted())
  }

  return (
    <form ref={form} className="stack" noValidate onSubmit={send}>
      {restored && <DraftRestored hasFiles />}
      <fieldset className="form-fields" disabled={running}>
        <Textfield
          label={m.bid_amount_label()}
          description={m.bid_amount_help()}
          inputMode="decimal"
          autoComplete="off"
          value={amountText}
          maxLength={30}
          error={checked && amountWrong ? m.bid_amount_wrong() : checked && empty ? m.bid_empty() : undefined}
          onChange={(event) => setAmountText(event.target.value)}
        />
        <Textfield
          multiline
          rows={6}
          label={m.bid_text()}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <FilePicker files={files} onChange={setFiles} />
      </fieldset>
      {isOpen && details.deadline && <LockLine>{m.bid_form_lock({ when: formatMoment(details.deadline) })}</LockLine>}
      {running && submit.progress && submit.progress.total > 0 && <Sealing progress={submit.progress} />}
      {submit.state === 'failed' &&
        (submit.code === 'cancelled' ? (
          <Paragraph role="status">{m.bid_cancelled()}</Paragraph>
        ) : (
          <Problem code={submit.code} />
        ))}
      <div role="status">
        {!isOpen && !running && (
          <Alert data-color="warning" className="notice">
            <Paragraph>{replaces ? m.bid_closed_before() : m.bid_closed_without()}</Paragraph>
          </Alert>
        )}
      </div>
      <div className="actions">
        <Button type="submit" loading={running} disabled={!isOpen && !running}>
          {running ? m.bid_sealing() : replaces ? m.bid_submit_again() : m.bid_submit()}
        </Button>
        <Button variant="secondary" onClick={running ? submit.stop : onClose}>
          {m.cancel()}
        </Button>
      </div>
    </form>
  )
}

function Sealing({ progress: { done, total } }: { progress: WorkProgress }) {
  return (
    <>
      <Paragraph data-size="sm">{m.send_sending({ percent: formatPercent(done, total) })}</Paragraph>
      <Progress label={m.bid_sealing()} value={done} total={total} />
    </>
  )
}

/** A file of the bid before, to be sealed again with this one. */
const asOutgoing = (file: OpenedFile): OutgoingFile => ({
  name: file.name,
  type: file.type,
  size: file.byteLength,
  stream: () => file.stream(),
})

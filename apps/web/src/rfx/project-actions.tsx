import { Button, Paragraph, Textfield } from '@digdir/designsystemet-react'
import type { RfxDetails } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useId, useState } from 'react'
import { formatMoment } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { useRefreshProjects, useRefreshRfx, useReviewers } from '../queries/rfx.ts'
import { DistributionDone } from './distribution-done.tsx'
import { hasPassed } from './names.ts'
import { useProject } from './project.ts'
import { useHasPassed } from './use-has-passed.ts'
import { WorkDialog } from './work-dialog.tsx'

type Action = 'review' | 'approve' | 'close' | 'deadline' | 'rename' | 'delete'

const labels: Record<Action, () => string> = {
  review: m.rfx_review,
  approve: m.rfx_approve,
  close: m.rfx_close,
  deadline: m.rfx_deadline,
  rename: m.rfx_rename,
  delete: m.rfx_delete,
}

/** What the person may do with the project as it stands; the step that takes it on comes first. */
function actionsOf({ role, status, deadline }: RfxDetails, passed: boolean): readonly Action[] {
  if (role === 'developer') return status === 'in_review' ? ['approve'] : []
  if (role === 'supplier') return []
  switch (status) {
    case 'draft':
      return ['review', 'deadline', 'rename', 'delete']
    case 'in_review':
      return ['deadline', 'rename']
    case 'approved':
      return [...(deadline === null || passed ? (['close'] as const) : []), ...(passed ? [] : (['deadline'] as const))]
    case 'closed':
      return []
  }
}

/** Whether it takes the project on. */
const isStep = (action: Action): boolean => action === 'review' || action === 'approve' || action === 'close'

export function ProjectActions() {
  const { details } = useProject()
  const label = useId()
  const [open, setOpen] = useState<Action>()
  const passed = useHasPassed(details.deadline)
  const actions = actionsOf(details, passed)
  const missing = whatIsMissing(details, passed)
  // What was begun is finished, although it may take away what could be done.
  if (actions.length === 0 && missing.length === 0 && !open) return null
  const close = () => setOpen(undefined)
  return (
    <div className="stack">
      {missing.length > 0 && (
        <div className="todo">
          <p id={label} className="row-title">
            {m.rfx_missing_label()}
          </p>
          <ul aria-labelledby={label}>
            {missing.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </div>
      )}
      <div className="actions">
        {actions.map((action) => (
          <Button
            key={action}
            variant={isStep(action) ? 'primary' : 'secondary'}
            {...(!isStep(action) && { 'data-size': 'sm' as const })}
            {...(action === 'delete' && { 'data-color': 'danger' as const })}
            onClick={() => setOpen(action)}
          >
            {labels[action]()}
          </Button>
        ))}
      </div>
      {open && dialogs[open](close)}
    </div>
  )
}

/** What a buyer should see to before the project can be approved. */
function whatIsMissing({ role, status, suppliers, openers, deadline }: RfxDetails, passed: boolean): string[] {
  if (role !== 'buyer' || (status !== 'draft' && status !== 'in_review')) return []
  return [
    ...(suppliers.length === 0 ? [m.rfx_missing_suppliers()] : []),
    ...(deadline === null ? [m.rfx_missing_deadline()] : []),
    ...(deadline !== null && openers.length === 0 ? [m.rfx_missing_openers()] : []),
    ...(deadline !== null && openers.length === 1 ? [m.rfx_missing_second_opener()] : []),
    ...(passed ? [m.rfx_missing_later_deadline()] : []),
  ]
}

const dialogs: Record<Action, (onClose: () => void) => ReactNode> = {
  review: (onClose) => <ReviewDialog onClose={onClose} />,
  approve: (onClose) => <ApproveDialog onClose={onClose} />,
  close: (onClose) => <CloseDialog onClose={onClose} />,
  deadline: (onClose) => <DeadlineDialog onClose={onClose} />,
  rename: (onClose) => <RenameDialog onClose={onClose} />,
  delete: (onClose) => <DeleteDialog onClose={onClose} />,
}

interface ActionProps {
  onClose: () => void
}

function ReviewDialog({ onClose }: ActionProps) {
  const { rfx } = useProject()
  const reviewers = useReviewers()
  const names = reviewers.data?.map(({ name }) => name).join(', ')
  return (
    <WorkDialog
      title={m.rfx_review_title()}
      doneTitle={m.rfx_review_done()}
      points={[
        names === '' ? m.rfx_review_nobody() : names ? m.rfx_review_who({ names }) : m.rfx_review_all(),
        m.rfx_review_suppliers(),
        m.rfx_review_edit(),
      ]}
      confirm={m.rfx_review()}
      working={m.rfx_handing_over()}
      stoppable
      run={(options) => rfx.sendForReview(options)}
      onSettled={useRefreshRfx(rfx)}
      done={(result) => <DistributionDone result={result} />}
      onClose={onClose}
    />
  )
}

function ApproveDialog({ onClose }: ActionProps) {
  const { rfx, details } = useProject()
  const names = details.suppliers.map(({ name }) => name).join(', ')
  return (
    <WorkDialog
      title={m.rfx_approve_title()}
      doneTitle={m.rfx_approve_done()}
      points={[
        names ? m.rfx_approve_who({ names }) : m.rfx_approve_nobody(),
        m.rfx_approve_fixed(),
        details.deadline
          ? m.rfx_approve_bids({ when: formatMoment(details.deadline) })
          : m.rfx_approve_without_deadline(),
      ]}
      confirm={m.rfx_approve()}
      working={m.rfx_handing_over()}
      stoppable
      run={(options) => rfx.approve(options)}
      onSettled={useRefreshRfx(rfx)}
      done={(result) => <DistributionDone result={result} />}
      onClose={onClose}
    />
  )
}

function CloseDialog({ onClose }: ActionProps) {
  const { rfx } = useProject()
  return (
    <WorkDialog
      title={m.rfx_close_title()}
      points={[m.rfx_close_nothing(), m.rfx_close_readable(), m.rfx_close_final()]}
      confirm={m.rfx_close_confirm()}
      working={m.rfx_closing()}
      run={() => rfx.close()}
      onSettled={useRefreshRfx(rfx)}
      onClose={onClose}
    />
  )
}

function DeleteDialog({ onClose }: ActionProps) {
  const { rfx } = useProject()
  const navigate = useNavigate()
  const refresh = useRefreshProjects()
  return (
    <WorkDialog
      title={m.rfx_delete_title()}
      points={[m.rfx_delete_all(), m.rfx_delete_final()]}
      confirm={m.rfx_delete_confirm()}
      working={m.rfx_deleting()}
      danger
      run={async () => {
        await rfx.delete()
        // What was being written goes with the draft.
        await navigate({ to: '/rfx', ignoreBlocker: true })
        await refresh()
      }}
      onClose={onClose}
    />
  )
}

function RenameDialog({ onClose }: ActionProps) {
  const { rfx, details } = useProject()
  const [title, setTitle] = useState(details.title ?? '')
  const [checked, setChecked] = useState(false)
  const missing = title.trim() === ''
  return (
    <WorkDialog
      title={m.rfx_rename()}
      confirm={m.save()}
      working={m.saving()}
      isReady={() => {
        setChecked(true)
        return !missing
      }}
      run={() => rfx.rename(title.trim())}
      onSettled={useRefreshRfx(rfx)}
      onClose={onClose}
    >
      <Textfield
        label={m.rfx_title()}
        description={m.rfx_title_help()}
        value={title}
        maxLength={200}
        autoComplete="off"
        error={checked && missing ? m.rfx_title_missing() : undefined}
        onChange={(event) => setTitle(event.target.value)}
      />
    </WorkDialog>
  )
}

function DeadlineDialog({ onClose }: ActionProps) {
  const { rfx, details } = useProject()
  const nokkel = useNokkel()
  const { status, deadline } = details
  const approved = status === 'approved'
  const [text, setText] = useState(deadline ? toLocalInput(deadline) : '')
  const [checked, setChecked] = useState(false)
  const chosen = text === '' ? null : new Date(text)
  const wrong = problemOf(chosen)

  function problemOf(moment: Date | null): string | undefined {
    if (moment === null) return approved ? m.rfx_deadline_needed() : undefined
    if (Number.isNaN(moment.getTime())) return m.rfx_deadline_needed()
    if (hasPassed(moment, nokkel.now())) return m.rfx_deadline_not_future()
    return approved && deadline && moment < deadline ? m.rfx_deadline_only_later() : undefined
  }

  return (
    <WorkDialog
      title={m.rfx_deadline()}
      points={[
        m.rfx_deadline_sealed(),
        approved ? m.rfx_deadline_only_later() : m.rfx_deadline_until_approved(),
        m.rfx_deadline_openers(),
      ]}
      confirm={m.save()}
      working={m.saving()}
      isReady={() => {
        setChecked(true)
        return wrong === undefined
      }}
      run={() => rfx.setDeadline(chosen)}
      onSettled={useRefreshRfx(rfx)}
      onClose={onClose}
    >
      <Textfield
        type="datetime-local"
        label={m.rfx_deadline_label()}
        value={text}
        error={checked ? wrong : undefined}
        onChange={(event) => setText(event.target.value)}
      />
      {!approved && <Paragraph data-size="sm">{m.rfx_deadline_none_help()}</Paragraph>}
    </WorkDialog>
  )
}

/** A moment as the input takes it: the person's own time, to the minute. */
function toLocalInput(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 16)
}

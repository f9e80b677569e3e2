import { Alert, Button, Heading, List, Paragraph, Textfield } from '@digdir/designsystemet-react'
import type { ErasurePreview } from '@nokkel/client'
import { Link } from '@tanstack/react-router'
import { type FormEvent, useRef, useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Facts } from '../components/facts.tsx'
import { formatDate } from '../components/format.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { countGroups } from '../identity/data-groups.ts'
import { useErasing } from '../identity/erasing.ts'
import { FreshLoginNeeded, useFreshLogin } from '../login/fresh-login.tsx'
import * as m from '../paraglide/messages.js'
import { useErasurePreview } from '../queries/identity.ts'
import { useLocale } from '../settings/locale.ts'

export { EraseArea } from '../identity/erase-area.tsx'

/** What would go, what would stay and what stands in the way; and then the deed itself. */
export function ErasePage() {
  useLocale()
  const query = useErasurePreview()
  const { failed } = useErasing()
  const lookAgain = () => void query.refetch()
  return (
    <div className="page page-reading">
      <Link to="/account/data" className="ds-link back">
        {m.erase_back()}
      </Link>
      <div className="stack-tight">
        <PageHeading>{m.erase_page_title()}</PageHeading>
        <Paragraph>{m.erase_lead()}</Paragraph>
      </div>
      {query.isPending && <Waiting reason={m.erase_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={lookAgain} />}
      {query.data && (
        <>
          {query.data.blockers.length > 0 && <Blockers blockers={query.data.blockers} onLookAgain={lookAgain} />}
          <What preview={query.data} />
          {query.data.blockers.length === 0 && <Confirm />}
        </>
      )}
      {/* Whatever else fails with it. */}
      {failed && failed.code !== 'login_too_old' && (
        <Problem
          code={failed.code}
          explanation={failed.code === 'network_unreachable' ? m.erase_failed_maybe() : undefined}
          {...(failed.code === 'erasure_blocked' && { onRetry: lookAgain, retryLabel: m.erase_look_again() })}
        />
      )}
    </div>
  )
}

function What({ preview: { removed, kept, backupsExpireAt } }: { preview: ErasurePreview }) {
  return (
    <>
      <section className="stack" aria-labelledby="removed">
        <div className="stack-tight">
          <Heading id="removed" level={2} data-size="xs">
            {m.erase_removed()}
          </Heading>
          <Paragraph>{m.erase_removed_lead()}</Paragraph>
        </div>
        <Counts counts={removed} />
        <Paragraph>{m.erase_device()}</Paragraph>
      </section>
      <section className="stack" aria-labelledby="kept">
        <div className="stack-tight">
          <Heading id="kept" level={2} data-size="xs">
            {m.erase_kept()}
          </Heading>
          <Paragraph>{m.erase_kept_lead()}</Paragraph>
        </div>
        <Counts counts={kept} />
      </section>
      <Paragraph>{m.erase_backups({ date: formatDate(backupsExpireAt) })}</Paragraph>
      <div className="stack-tight">
        <Paragraph>{m.erase_export_first()}</Paragraph>
        <Link to="/account/data" hash="export" className="ds-link back">
          {m.export_title()}
        </Link>
      </div>
    </>
  )
}

function Counts({ counts }: { counts: Readonly<Record<string, number>> }) {
  const groups = countGroups(counts)
  if (groups.length === 0) return <Paragraph>{m.erase_kept_none()}</Paragraph>
  return <Facts facts={groups.map(([name, count]) => [name, m.erase_rows({ count })])} />
}

type Blocker = ErasurePreview['blockers'][number]

function Blockers({ blockers, onLookAgain }: { blockers: readonly Blocker[]; onLookAgain: () => void }) {
  return (
    <Alert data-color="warning" role="status" className="notice">
      <Heading level={2} data-size="2xs">
        {m.erase_blocked_title()}
      </Heading>
      <div className="notice-body">
        <Paragraph>{m.erase_blocked_lead()}</Paragraph>
        <List.Unordered>
          {blockers.map((blocker) => (
            <List.Item key={`${blocker.kind} ${blocker.id}`}>
              <BlockerLine blocker={blocker} />
            </List.Item>
          ))}
        </List.Unordered>
        <Button variant="secondary" onClick={onLookAgain}>
          {m.erase_look_again()}
        </Button>
      </div>
    </Alert>
  )
}

function BlockerLine({ blocker: { kind, id, name } }: { blocker: Blocker }) {
  switch (kind) {
    case 'company_administrator':
      return (
        <>
          {m.erase_blocked_company({ name })}{' '}
          <Link to="/companies/$id" params={{ id }} className="ds-link">
            {m.erase_blocked_company_link()}
          </Link>
        </>
      )
    case 'organization_administrator':
      return m.erase_blocked_organization({ name })
    case 'project_opener':
      return (
        <>
          {m.erase_blocked_project({ name })}{' '}
          <Link to="/rfx/$id/people" params={{ id }} className="ds-link">
            {m.erase_blocked_project_link()}
          </Link>
        </>
      )
  }
}

function Confirm() {
  const { erase, failed } = useErasing()
  const fresh = useFreshLogin()
  const field = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState('')
  const [checked, setChecked] = useState(false)
  const word = m.erase_word()
  const confirmed = typed.trim().toLowerCase() === word.toLowerCase()
  const tooOld = fresh.tooOld || failed?.code === 'login_too_old'

  function submit(event: FormEvent) {
    event.preventDefault()
    setChecked(true)
    if (confirmed) fresh.freshly(erase)
    else field.current?.focus()
  }

  return (
    <form className="stack" noValidate onSubmit={submit}>
      <Textfield
        ref={field}
        label={m.erase_confirm_label({ word })}
        value={typed}
        autoComplete="off"
        spellCheck={false}
        error={checked && !confirmed ? m.erase_confirm_wrong({ word }) : undefined}
        onChange={(event) => setTyped(event.target.value)}
      />
      <div className="actions">
        <Button type="submit" data-color="danger">
          {m.erase_confirm()}
        </Button>
      </div>
      {tooOld && <FreshLoginNeeded why={m.fresh_body()} />}
    </form>
  )
}

import { Button, Heading, Paragraph, ToggleGroup } from '@digdir/designsystemet-react'
import { PersonGroupIcon } from '@navikt/aksel-icons'
import type { Duplicate } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { AdministrationPages } from '../admin/admin-pages.tsx'
import { evidenceName } from '../admin/evidence.ts'
import { UndoDialog } from '../admin/undo-dialog.tsx'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { formatDate } from '../components/format.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useDuplicates } from '../queries/administration.ts'
import { useLocale } from '../settings/locale.ts'

const states: Record<Duplicate['state'], { name: () => string; none: () => string }> = {
  open: { name: m.duplicates_open, none: m.duplicates_none_body },
  merged: { name: m.duplicates_merged, none: m.duplicates_none_merged },
  dismissed: { name: m.duplicates_dismissed, none: m.duplicates_none_dismissed },
}

/** Accounts that may be one person: those to settle, and those that are settled. */
export function DuplicatesPage() {
  useLocale()
  const [state, setState] = useState<Duplicate['state']>('open')
  const [undone, setUndone] = useState<Duplicate>()
  const [done, setDone] = useState('')
  const { query, items } = useDuplicates(state)

  return (
    <div className="page">
      <AdministrationPages />
      <div className="stack-tight">
        <PageHeading>{m.admin_duplicates_title()}</PageHeading>
        <Paragraph>{m.duplicates_lead()}</Paragraph>
      </div>
      <ToggleGroup
        className="filter"
        data-size="sm"
        aria-label={m.duplicates_filter()}
        value={state}
        onChange={(value) => setState(value as Duplicate['state'])}
      >
        {Object.entries(states).map(([value, { name }]) => (
          <ToggleGroup.Item key={value} value={value}>
            {name()}
          </ToggleGroup.Item>
        ))}
      </ToggleGroup>
      {query.isPending && <ListSkeleton reason={m.duplicates_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.isSuccess && items.length === 0 && (
        <Empty icon={<PersonGroupIcon aria-hidden />} title={m.duplicates_none_title()} body={states[state].none()} />
      )}
      {items.length > 0 && (
        <ul className="rows">
          {items.map((duplicate) => (
            <Row key={duplicate.id} duplicate={duplicate} onUndo={() => setUndone(duplicate)} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <Button variant="secondary" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {query.isFetchingNextPage ? m.loading_more() : m.load_more()}
        </Button>
      )}
      <p className={done ? 'row-note' : 'ds-sr-only'} role="status">
        {done}
      </p>
      {undone && (
        <UndoDialog
          duplicate={undone}
          onUndone={() => setDone(undone.merge ? m.merge_undone() : m.dismissed_undone())}
          onClose={() => setUndone(undefined)}
        />
      )}
    </div>
  )
}

function Row({ duplicate, onUndo }: { duplicate: Duplicate; onUndo: () => void }) {
  const { now } = useNokkel()
  const { id, accounts, evidence, foundAt, merge } = duplicate
  const [first, second] = accounts.map(({ name }) => name)
  const names = { first: first ?? '', second: second ?? '' }
  const undoable = duplicate.state === 'dismissed' || (merge !== null && new Date(merge.undoUntil) > now())

  return (
    <li className="row row-person">
      <PersonGroupIcon aria-hidden className="row-icon" />
      <div className="row-body">
        <div className="row-text">
          <Heading level={2} data-size="2xs" className="row-title">
            {m.duplicates_pair(names)}
          </Heading>
          <span className="row-meta">
            <span>{evidenceName[evidence]()}</span>
            <When at={foundAt} text={(when) => m.duplicates_found({ when })} />
          </span>
          {merge && <Kept duplicate={duplicate} undoable={undoable} />}
        </div>
        {duplicate.state === 'open' && (
          <Link
            to="/admin/duplicates/$id"
            params={{ id }}
            className="ds-button"
            data-variant="secondary"
            aria-label={m.duplicates_look_named(names)}
          >
            {m.duplicates_look()}
          </Link>
        )}
        {undoable && (
          <Button
            variant="secondary"
            aria-label={merge ? m.merge_undo_named(names) : m.dismissed_undo_named(names)}
            onClick={onUndo}
          >
            {m.merge_undo()}
          </Button>
        )}
      </div>
    </li>
  )
}

function Kept({ duplicate: { accounts, merge }, undoable }: { duplicate: Duplicate; undoable: boolean }) {
  const kept = accounts.find(({ id }) => id === merge?.survivor)
  if (!merge) return null
  return (
    <span className="row-note">
      {kept && <>{m.duplicates_kept({ name: kept.name, id: kept.id })}. </>}
      <When
        at={merge.mergedAt}
        text={(when) =>
          undoable
            ? m.duplicates_merged_when({ when, until: formatDate(merge.undoUntil) })
            : m.duplicates_merged_final({ when })
        }
      />
    </span>
  )
}

import { Button, Heading, Paragraph } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon } from '@navikt/aksel-icons'
import type { Duplicate } from '@nokkel/client'
import { useNokkel, useSession } from '@nokkel/client/react'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Compare } from '../admin/compare.tsx'
import { evidenceName, evidenceWeight } from '../admin/evidence.ts'
import { MergeEffects } from '../admin/merge-preview.tsx'
import { UndoDialog } from '../admin/undo-dialog.tsx'
import { codeOf } from '../components/explain.ts'
import { formatDate } from '../components/format.ts'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useDuplicate, useMergePreview, useRefreshDuplicates } from '../queries/administration.ts'
import { useWork } from '../rfx/use-work.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'
import { useLocale } from '../settings/locale.ts'

const route = getRouteApi('/signed-in/administrator/admin/duplicates/$id')

/** One pair: side by side, then what a merge would do, then the merge. */
export function DuplicatePage() {
  useLocale()
  const { id } = route.useParams()
  const { data: duplicate, error, isPending, refetch } = useDuplicate(id)
  const [done, setDone] = useState('')

  return (
    <div className="page">
      <Link to="/admin/duplicates" className="ds-link back">
        {m.compare_back()}
      </Link>
      <p className={done ? 'row-note' : 'ds-sr-only'} role="status">
        {duplicate?.state === 'open' && done}
      </p>
      {isPending && <Waiting reason={m.duplicates_loading()} />}
      {error && <Problem code={codeOf(error)} onRetry={() => void refetch()} />}
      {duplicate &&
        (duplicate.state === 'open' ? (
          <Pair key={id} duplicate={duplicate} />
        ) : (
          <Settled
            key={duplicate.state}
            duplicate={duplicate}
            onUndone={() => setDone(duplicate.merge ? m.merge_undone() : m.dismissed_undone())}
          />
        ))}
    </div>
  )
}

function Pair({ duplicate }: { duplicate: Duplicate }) {
  const { me } = useSession().state
  const { administration } = useNokkel()
  const navigate = useNavigate()
  const refresh = useRefreshDuplicates()
  const [keep, setKeep] = useState<string>()
  const [looked, setLooked] = useState<string>()
  const [checked, setChecked] = useState(false)
  const [dismissing, setDismissing] = useState(false)

  return (
    <>
      <div className="stack-tight">
        <PageHeading>{m.compare_title()}</PageHeading>
        <Paragraph>
          {evidenceName[duplicate.evidence]()}. {evidenceWeight(duplicate.evidence)}
        </Paragraph>
      </div>
      <Compare
        accounts={duplicate.accounts}
        myId={me?.id}
        keep={keep}
        onKeep={(id) => {
          setKeep(id)
          setLooked(undefined)
        }}
      />
      {checked && !keep && (
        <p className="ds-validation-message" role="alert">
          {m.compare_choose()}
        </p>
      )}
      <div className="actions">
        <Button
          onClick={() => {
            setChecked(true)
            setLooked(keep)
          }}
        >
          {m.compare_more()}
        </Button>
        <Button variant="secondary" onClick={() => setDismissing(true)}>
          {m.compare_two()}
        </Button>
      </div>
      {looked && <Preview duplicate={duplicate} survivor={looked} />}
      {dismissing && (
        <WorkDialog
          title={m.compare_two_title()}
          intro={m.compare_two_body()}
          confirm={m.compare_two_confirm()}
          working={m.compare_two_working()}
          run={async () => {
            await administration.dismissDuplicate(duplicate.id)
            await refresh()
            await navigate({ to: '/admin/duplicates' })
          }}
          onClose={() => setDismissing(false)}
        />
      )}
    </>
  )
}

interface PreviewProps {
  duplicate: Duplicate
  survivor: string
}

/** What would happen, and the button that makes it happen exactly so. */
function Preview({ duplicate, survivor }: PreviewProps) {
  const { administration } = useNokkel()
  const refresh = useRefreshDuplicates()
  const { data: preview, error, isFetching, refetch } = useMergePreview(duplicate.id, survivor)
  const merge = useWork(() => administration.merge(duplicate.id, survivor, preview?.digest ?? ''), refresh)
  const kept = duplicate.accounts.findIndex(({ id }) => id === survivor) + 1
  const running = merge.state === 'running'

  return (
    <section className="stack merge-preview" aria-labelledby="preview">
      <Heading id="preview" level={2} data-size="xs">
        {m.preview_title()}
      </Heading>
      {isFetching && <Waiting reason={m.preview_loading()} />}
      {error && <Problem code={codeOf(error)} onRetry={() => void refetch()} />}
      {preview && (
        <>
          <Paragraph>{m.preview_into({ kept, gone: kept === 1 ? 2 : 1 })}</Paragraph>
          <MergeEffects effects={preview.effects} />
          {merge.state === 'failed' && (
            <Problem
              code={merge.code}
              {...(merge.code === 'merge_changed' && {
                retryLabel: m.merge_look_again(),
                onRetry: () => void refetch(),
              })}
            />
          )}
          <Paragraph>{m.merge_lead()}</Paragraph>
          <div className="actions">
            <Button data-color="danger" loading={running} onClick={() => merge.start()}>
              {running ? m.merge_working() : m.merge_confirm()}
            </Button>
          </div>
        </>
      )}
    </section>
  )
}

/** What it was settled as, and the way back while there is one. */
function Settled({ duplicate, onUndone }: { duplicate: Duplicate; onUndone: () => void }) {
  const { now } = useNokkel()
  const [undoing, setUndoing] = useState(false)
  const { merge, accounts } = duplicate
  const [first, second] = accounts.map(({ name }) => name)
  const undoable = merge === null || new Date(merge.undoUntil) > now()
  return (
    <div className="stack done">
      <CheckmarkCircleIcon aria-hidden className="done-icon" />
      <PageHeading>{merge ? m.merge_done_title() : m.dismissed_title()}</PageHeading>
      <Paragraph>{m.duplicates_pair({ first: first ?? '', second: second ?? '' })}</Paragraph>
      <Paragraph>{merge ? m.merge_done_body() : m.dismissed_body()}</Paragraph>
      {merge && (
        <Paragraph>
          {undoable ? (
            m.merge_undo_until({ until: formatDate(merge.undoUntil) })
          ) : (
            <When at={merge.mergedAt} text={(when) => m.duplicates_merged_final({ when })} />
          )}
        </Paragraph>
      )}
      {undoable && (
        <Button variant="secondary" onClick={() => setUndoing(true)}>
          {m.merge_undo()}
        </Button>
      )}
      {undoing && <UndoDialog duplicate={duplicate} onUndone={onUndone} onClose={() => setUndoing(false)} />}
    </div>
  )
}

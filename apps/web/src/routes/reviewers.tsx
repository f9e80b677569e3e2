import { Button, Paragraph, Radio, Textfield } from '@digdir/designsystemet-react'
import { PersonCheckmarkIcon, PersonIcon, PersonPlusIcon } from '@navikt/aksel-icons'
import type { Person } from '@nokkel/client'
import { useNokkel, useSession } from '@nokkel/client/react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useDeferredValue, useState } from 'react'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshProjects, useReviewers } from '../queries/rfx.ts'
import { WorkDialog } from '../rfx/work-dialog.tsx'
import { useLocale } from '../settings/locale.ts'

/** Who reviews projects before suppliers see them; administrators name and dismiss them. */
export function ReviewersPage() {
  useLocale()
  const { me } = useSession().state
  const { rfx } = useNokkel()
  const refresh = useRefreshProjects()
  const query = useReviewers()
  const [naming, setNaming] = useState(false)
  const [dismissed, setDismissed] = useState<Person>()
  const administers = me?.role === 'administrator'
  const reviewers = query.data ?? []
  const name = administers && (
    <Button onClick={() => setNaming(true)}>
      <PersonPlusIcon aria-hidden />
      {m.reviewer_name()}
    </Button>
  )

  return (
    <div className="page">
      <Link to="/rfx" className="ds-link back">
        {m.rfx_back()}
      </Link>
      <div className="page-head">
        <PageHeading>{m.reviewers_title()}</PageHeading>
        {reviewers.length > 0 && name}
      </div>
      <Paragraph>{m.reviewers_body()}</Paragraph>
      {query.isPending && <ListSkeleton reason={m.reviewers_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.isSuccess && reviewers.length === 0 && (
        <Empty
          icon={<PersonCheckmarkIcon aria-hidden />}
          title={m.reviewers_empty_title()}
          body={m.reviewers_empty_body()}
        >
          {name}
        </Empty>
      )}
      {reviewers.length > 0 && (
        <ul className="rows">
          {reviewers.map((reviewer) => (
            <li key={reviewer.id} className="row">
              <PersonIcon aria-hidden className="row-icon" />
              <span className="row-text">
                <span className="row-title">{reviewer.name}</span>
              </span>
              {administers && (
                <Button
                  variant="secondary"
                  data-size="sm"
                  data-color="danger"
                  aria-label={m.reviewer_dismiss_named({ name: reviewer.name })}
                  onClick={() => setDismissed(reviewer)}
                >
                  {m.reviewer_dismiss()}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {naming && <NameDialog taken={reviewers} onClose={() => setNaming(false)} />}
      {dismissed && (
        <WorkDialog
          title={m.reviewer_dismiss_title({ name: dismissed.name })}
          points={[
            m.reviewer_dismiss_at_once({ name: dismissed.name }),
            m.reviewer_dismiss_keys(),
            m.exclude_read({ name: dismissed.name }),
          ]}
          confirm={m.reviewer_dismiss_confirm()}
          working={m.reviewer_dismissing()}
          danger
          run={() => rfx.dismissDeveloper(dismissed.id)}
          onSettled={refresh}
          onClose={() => setDismissed(undefined)}
        />
      )}
    </div>
  )
}

function NameDialog({ taken, onClose }: { taken: readonly Person[]; onClose: () => void }) {
  const { members, rfx } = useNokkel()
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState<string>()
  const [checked, setChecked] = useState(false)
  const search = useDeferredValue(text.trim())
  const query = useQuery({
    queryKey: ['members', 'reviewers', search],
    queryFn: () => members.list({ search, limit: 20 }),
    placeholderData: keepPreviousData,
  })
  const listed = query.data?.items.filter(({ id }) => !taken.some((one) => one.id === id)) ?? []
  return (
    <WorkDialog
      title={m.reviewer_name()}
      points={[m.reviewer_name_reads(), m.reviewer_name_approves()]}
      confirm={m.reviewer_name_confirm()}
      working={m.reviewer_naming()}
      isReady={() => {
        setChecked(true)
        return chosen !== undefined
      }}
      run={() => rfx.nameDeveloper(chosen ?? '')}
      onSettled={useRefreshProjects()}
      onClose={onClose}
    >
      <Textfield
        type="search"
        label={m.send_search()}
        value={text}
        onChange={(event) => setText(event.target.value)}
        // Enter in the search must not send the form.
        onKeyDown={(event) => event.key === 'Enter' && event.preventDefault()}
      />
      {query.isPending && <Waiting reason={m.send_members_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.data && listed.length === 0 && (
        <Paragraph role="status">{search ? m.send_members_none({ search }) : m.send_members_empty()}</Paragraph>
      )}
      {listed.length > 0 && (
        <fieldset className="choices">
          <legend className="ds-label">{m.reviewer_who()}</legend>
          {listed.map(({ id, name }) => (
            <Radio
              key={id}
              name="reviewer"
              value={id}
              label={name}
              checked={chosen === id}
              onChange={() => setChosen(id)}
            />
          ))}
        </fieldset>
      )}
      {query.data?.nextCursor && <Paragraph data-size="sm">{m.send_members_more()}</Paragraph>}
      {checked && !chosen && <p className="ds-validation-message">{m.reviewer_choose()}</p>}
    </WorkDialog>
  )
}

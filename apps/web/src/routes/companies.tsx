import { Button, Heading, Paragraph, Textfield } from '@digdir/designsystemet-react'
import { Buildings3Icon, PlusIcon } from '@navikt/aksel-icons'
import { useSession } from '@nokkel/client/react'
import { Link } from '@tanstack/react-router'
import { useDeferredValue, useState } from 'react'
import { CompanyRow } from '../companies/company-row.tsx'
import { CreateDialog } from '../companies/create-dialog.tsx'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useOtherCompanies, useOwnCompanies } from '../queries/companies.ts'
import { isCoordinator } from '../role.ts'
import { useLocale } from '../settings/locale.ts'

export function CompaniesPage() {
  useLocale()
  const { me } = useSession().state
  const [text, setText] = useState('')
  const [creating, setCreating] = useState(false)
  const search = useDeferredValue(text.trim())
  const mine = useOwnCompanies()
  const others = useOtherCompanies(search)
  const failed = mine.error ?? others.query.error
  const loaded = mine.data && others.query.data
  const nothing = loaded && mine.data.items.length === 0 && others.items.length === 0 && search === ''
  const create = me && isCoordinator(me.role) && (
    <Button onClick={() => setCreating(true)}>
      <PlusIcon aria-hidden />
      {m.company_create()}
    </Button>
  )

  return (
    <div className="page">
      <div className="page-head">
        <PageHeading>{m.companies_title()}</PageHeading>
        {!nothing && create}
      </div>
      <div className="stack-tight">
        <Paragraph>{m.companies_lead()}</Paragraph>
        <Link to="/join" className="ds-link back">
          {m.companies_have_code()}
        </Link>
      </div>
      {failed && (
        <Problem code={codeOf(failed)} onRetry={() => void Promise.all([mine.refetch(), others.query.refetch()])} />
      )}
      {!loaded && !failed && <ListSkeleton reason={m.companies_loading()} />}
      {nothing && (
        <Empty icon={<Buildings3Icon aria-hidden />} title={m.companies_empty_title()} body={m.companies_empty_body()}>
          {create}
        </Empty>
      )}
      {loaded && !nothing && (
        <>
          <section className="stack" aria-labelledby="mine">
            <Heading id="mine" level={2} data-size="xs">
              {m.companies_mine()}
            </Heading>
            {mine.data.items.length === 0 && <Paragraph>{m.companies_mine_none()}</Paragraph>}
            {mine.data.items.length > 0 && (
              <ul className="rows">
                {mine.data.items.map((company) => (
                  <CompanyRow key={company.id} company={company} />
                ))}
              </ul>
            )}
          </section>
          {(others.items.length > 0 || search !== '') && (
            <section className="stack" aria-labelledby="others">
              <Heading id="others" level={2} data-size="xs">
                {m.companies_others({ organization: me?.organization.name ?? '' })}
              </Heading>
              <Textfield
                type="search"
                label={m.companies_search()}
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
              {others.items.length === 0 && <Paragraph role="status">{m.companies_search_none({ search })}</Paragraph>}
              {others.items.length > 0 && (
                <ul className="rows">
                  {others.items.map((company) => (
                    <CompanyRow key={company.id} company={company} />
                  ))}
                </ul>
              )}
              {others.query.hasNextPage && (
                <Button
                  variant="secondary"
                  loading={others.query.isFetchingNextPage}
                  onClick={() => void others.query.fetchNextPage()}
                >
                  {others.query.isFetchingNextPage ? m.loading_more() : m.load_more()}
                </Button>
              )}
            </section>
          )}
        </>
      )}
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
    </div>
  )
}

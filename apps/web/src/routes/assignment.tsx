import { Heading, Link as LinkStyle, Paragraph } from '@digdir/designsystemet-react'
import { ArrowLeftIcon } from '@navikt/aksel-icons'
import { useSession } from '@nokkel/client/react'
import { Link, useParams } from '@tanstack/react-router'
import { codeOf } from '../components/explain.ts'
import { LockLine } from '../components/lock-line.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useOpened } from '../queries/assignment.ts'
import { useLocale } from '../settings/locale.ts'
import { FileList } from './file-list.tsx'
import { Signature } from './signature.tsx'

export function AssignmentPage() {
  useLocale()
  const { id } = useParams({ from: '/signed-in/assignments/$id' })
  const { state } = useSession()
  const query = useOpened(id)
  const code = codeOf(query.error)
  const mine = query.data && query.data.sender.id === state.me?.id

  return (
    <article className="page page-reading">
      <LinkStyle asChild>
        <Link to={mine ? '/sent' : '/inbox'} className="back">
          <ArrowLeftIcon aria-hidden />
          <span>{mine ? m.assignment_back_sent() : m.assignment_back_inbox()}</span>
        </Link>
      </LinkStyle>
      {query.isPending && <Waiting reason={m.assignment_opening()} />}
      {query.isError && (
        <>
          <PageHeading>
            {code === 'not_found' ? m.assignment_not_found_title() : m.assignment_unreadable_title()}
          </PageHeading>
          {code === 'not_found' ? (
            <Paragraph>{m.assignment_not_found_body()}</Paragraph>
          ) : (
            <Problem code={code} onRetry={() => void query.refetch()} />
          )}
        </>
      )}
      {query.data && (
        <>
          <header className="stack-tight">
            <PageHeading>{query.data.title}</PageHeading>
            <p className="row-meta">
              <span>{m.assignment_from({ name: query.data.sender.name ?? m.unknown_sender() })}</span>
              <When at={query.data.sentAt} />
            </p>
          </header>
          <div className="assignment-body">{query.data.body}</div>
          {query.data.files.length > 0 && (
            <section aria-labelledby="files" className="stack-tight">
              <Heading id="files" level={2} data-size="2xs">
                {m.assignment_files()}
              </Heading>
              <FileList files={query.data.files} />
            </section>
          )}
          <footer className="assignment-trust">
            <Signature signer={query.data.signer} />
            <LockLine>{m.assignment_lock()}</LockLine>
          </footer>
        </>
      )}
    </article>
  )
}

import { Paragraph } from '@digdir/designsystemet-react'
import type { Person, RfxRecipient } from '@nokkel/client'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { Problem } from '../components/problem.tsx'
import * as m from '../paraglide/messages.js'
import { useRecipients } from '../queries/rfx.ts'
import { Excluded } from '../rfx/excluded.tsx'
import { ChangedKeys, NewRecipients } from '../rfx/key-notices.tsx'
import { KeySummary } from '../rfx/key-summary.tsx'
import { Openers } from '../rfx/openers.tsx'
import { ExcludeDialog, PeopleSection } from '../rfx/people-section.tsx'
import { useProject } from '../rfx/project.ts'
import { Suppliers } from '../rfx/suppliers.tsx'
import { useLocale } from '../settings/locale.ts'

/** Who is in the project, who has its key, and who waits and for what. */
export function PeoplePage() {
  useLocale()
  const { rfx, details } = useProject()
  const isSupplier = details.role === 'supplier'
  const query = useRecipients(rfx, !isSupplier)
  // Here, as it outlives the row of whoever is excluded.
  const [excluding, setExcluding] = useState<Person>()
  if (isSupplier) return <Paragraph>{m.people_not_for_suppliers()}</Paragraph>
  const recipients: readonly RfxRecipient[] = query.data ?? []
  const buyers = recipients.filter(({ role }) => role === 'buyer')
  const reviewers = recipients.filter(({ role }) => role === 'developer')

  return (
    <>
      <ChangedKeys />
      <KeySummary recipients={recipients} />
      <NewRecipients />
      {query.isPending && <ListSkeleton reason={m.people_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.isSuccess && (
        <>
          <PeopleSection
            title={m.people_buyers({ company: details.company.name })}
            recipients={buyers}
            onExclude={setExcluding}
          />
          <PeopleSection
            title={m.people_reviewers()}
            note={details.status === 'draft' ? m.people_reviewers_later() : undefined}
            recipients={reviewers}
            onExclude={setExcluding}
          />
          <Suppliers recipients={recipients.filter(({ role }) => role === 'supplier')} onExclude={setExcluding} />
          <Openers buyers={buyers} />
          <Excluded />
        </>
      )}
      {excluding && <ExcludeDialog person={excluding} onClose={() => setExcluding(undefined)} />}
    </>
  )
}

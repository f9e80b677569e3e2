import { Button, Heading, Paragraph, Radio, Textfield } from '@digdir/designsystemet-react'
import { PlusIcon } from '@navikt/aksel-icons'
import type { CompanyView, Person, RfxRecipient } from '@nokkel/client'
import { useNokkel } from '@nokkel/client/react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useRefreshRfx } from '../queries/rfx.ts'
import { DistributionDone } from './distribution-done.tsx'
import { CompanyRow, PeopleRows } from './people-section.tsx'
import { useProject } from './project.ts'
import { useHasPassed } from './use-has-passed.ts'
import { WorkDialog } from './work-dialog.tsx'

interface SuppliersProps {
  recipients: readonly RfxRecipient[]
  onExclude: (person: Person) => void
}

/** The invited companies with their people; inviting and withdrawing. */
export function Suppliers({ recipients, onExclude }: SuppliersProps) {
  const { rfx, details } = useProject()
  const refresh = useRefreshRfx(rfx)
  const [inviting, setInviting] = useState(false)
  const [withdrawn, setWithdrawn] = useState<Person>()
  const { suppliers, role, status, deadline } = details
  const mayInvite = role === 'buyer' && status !== 'closed'
  const passed = useHasPassed(deadline)
  const mayWithdraw = mayInvite && !(status === 'approved' && passed)

  return (
    <section className="stack" aria-labelledby="suppliers">
      <div className="page-head">
        <Heading id="suppliers" level={2} data-size="2xs">
          {m.suppliers_title()}
        </Heading>
        {mayInvite && (
          <Button variant="secondary" data-size="sm" onClick={() => setInviting(true)}>
            <PlusIcon aria-hidden />
            {m.supplier_invite()}
          </Button>
        )}
      </div>
      {suppliers.length === 0 && <Paragraph>{m.suppliers_none()}</Paragraph>}
      {suppliers.length > 0 && (status === 'draft' || status === 'in_review') && (
        <Paragraph>{m.suppliers_later()}</Paragraph>
      )}
      {suppliers.map(({ id, name, invitedAt }) => {
        const own = recipients.filter(({ companyId, ownerId }) => companyId === id || ownerId === id)
        return (
          <PeopleRows key={id} recipients={own} onExclude={onExclude}>
            <CompanyRow
              name={name}
              recipient={own.find(({ owner }) => owner === 'company')}
              meta={<When at={invitedAt} text={(when) => m.supplier_invited({ when })} />}
            >
              {mayWithdraw && (
                <div className="row-actions">
                  <Button
                    variant="secondary"
                    data-size="sm"
                    data-color="danger"
                    aria-label={m.supplier_withdraw_named({ name })}
                    onClick={() => setWithdrawn({ id, name })}
                  >
                    {m.supplier_withdraw()}
                  </Button>
                </div>
              )}
            </CompanyRow>
          </PeopleRows>
        )
      })}
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
      {withdrawn && (
        <WorkDialog
          title={m.supplier_withdraw_title({ name: withdrawn.name })}
          points={
            status === 'approved'
              ? [
                  m.supplier_withdraw_at_once({ name: withdrawn.name }),
                  m.supplier_withdraw_bid(),
                  m.exclude_new_key(),
                  m.supplier_withdraw_read(),
                ]
              : [m.supplier_withdraw_before()]
          }
          confirm={m.supplier_withdraw_confirm()}
          working={m.supplier_withdrawing()}
          danger
          stoppable
          run={(options) => rfx.withdraw(withdrawn.id, options)}
          onSettled={refresh}
          onClose={() => setWithdrawn(undefined)}
        />
      )}
    </section>
  )
}

function InviteDialog({ onClose }: { onClose: () => void }) {
  const { companies } = useNokkel()
  const { rfx, details } = useProject()
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState<CompanyView>()
  const [checked, setChecked] = useState(false)
  const search = useDeferredValue(text.trim())
  const query = useQuery({
    queryKey: ['companies', 'invite', search],
    queryFn: () => companies.list({ search, limit: 50 }),
    placeholderData: keepPreviousData,
  })
  const taken = new Set([details.company.id, ...details.suppliers.map(({ id }) => id)])
  const listed = query.data?.items.filter(({ id }) => !taken.has(id)) ?? []
  const approved = details.status === 'approved'

  return (
    <WorkDialog
      title={m.supplier_invite()}
      doneTitle={m.supplier_invited_done({ name: chosen?.name ?? '' })}
      points={[approved ? m.supplier_invite_now() : m.supplier_invite_later(), m.supplier_invite_unseen()]}
      confirm={m.supplier_invite_confirm()}
      working={m.supplier_inviting()}
      stoppable
      isReady={() => {
        setChecked(true)
        return chosen !== undefined
      }}
      run={(options) => rfx.invite(chosen?.id ?? '', options)}
      onSettled={useRefreshRfx(rfx)}
      done={approved ? (result) => <DistributionDone result={result} /> : undefined}
      onClose={onClose}
    >
      <Textfield
        type="search"
        label={m.companies_search()}
        value={text}
        onChange={(event) => setText(event.target.value)}
        // Enter in the search must not send the form.
        onKeyDown={(event) => event.key === 'Enter' && event.preventDefault()}
      />
      {query.isPending && <Waiting reason={m.companies_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.data && listed.length === 0 && (
        <Paragraph role="status">
          {search ? m.companies_search_none({ search }) : m.supplier_nobody_to_invite()}
        </Paragraph>
      )}
      {listed.length > 0 && (
        <fieldset className="choices">
          <legend className="ds-label">{m.supplier_which()}</legend>
          {listed.map((company) => (
            <Radio
              key={company.id}
              name="company"
              value={company.id}
              label={company.name}
              description={company.key ? m.supplier_has_key() : m.supplier_no_key()}
              checked={chosen?.id === company.id}
              onChange={() => setChosen(company)}
            />
          ))}
        </fieldset>
      )}
      {checked && !chosen && <p className="ds-validation-message">{m.supplier_choose()}</p>}
    </WorkDialog>
  )
}

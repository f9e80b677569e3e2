import { Button, Details, Heading, Paragraph, Tag } from '@digdir/designsystemet-react'
import type { Consent } from '@nokkel/client'
import { useId, useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { Facts } from '../components/facts.tsx'
import { formatMoment } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import { Waiting } from '../components/waiting.tsx'
import * as m from '../paraglide/messages.js'
import { useConsents } from '../queries/identity.ts'
import { basisName, purposeName, whatOf } from './consent-names.ts'
import { WithdrawDialog } from './withdraw-dialog.tsx'

/** All that the person has agreed to, what it is for, and taking it back. */
export function ConsentList() {
  const query = useConsents()
  const [withdrawing, setWithdrawing] = useState<Consent>()
  const [withdrawn, setWithdrawn] = useState(false)
  const live = query.data?.filter(({ withdrawnAt }) => !withdrawnAt) ?? []
  const earlier = query.data?.filter(({ withdrawnAt }) => withdrawnAt) ?? []

  return (
    <section className="stack" aria-labelledby="consents">
      <div className="stack-tight">
        <Heading id="consents" level={2} data-size="xs">
          {m.cons_title()}
        </Heading>
        <Paragraph>{m.cons_lead()}</Paragraph>
      </div>
      {query.isPending && <Waiting reason={m.cons_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.data && live.length === 0 && <Paragraph>{m.cons_none()}</Paragraph>}
      {live.length > 0 && (
        <ul className="bids">
          {live.map((consent) => (
            <ConsentCard key={consent.id} consent={consent} onWithdraw={() => setWithdrawing(consent)} />
          ))}
        </ul>
      )}
      {earlier.length > 0 && (
        <Details className="disclosure">
          <Details.Summary>{m.cons_earlier({ count: earlier.length })}</Details.Summary>
          <Details.Content>
            <div className="stack">
              <Paragraph data-size="sm">{m.cons_earlier_why()}</Paragraph>
              <ul className="bids">
                {earlier.map((consent) => (
                  <ConsentCard key={consent.id} consent={consent} />
                ))}
              </ul>
            </div>
          </Details.Content>
        </Details>
      )}
      <p role="status" className={withdrawn ? 'row-note' : 'ds-sr-only'}>
        {withdrawn && m.cons_withdraw_done()}
      </p>
      {withdrawing && (
        <WithdrawDialog
          consent={withdrawing}
          onWithdrawn={() => setWithdrawn(true)}
          onClose={() => setWithdrawing(undefined)}
        />
      )}
    </section>
  )
}

function ConsentCard({ consent, onWithdraw }: { consent: Consent; onWithdraw?: () => void }) {
  const title = useId()
  const purpose = purposeName[consent.purpose]()
  return (
    <li className="bid" aria-labelledby={title}>
      <div className="device-name">
        <Heading id={title} level={3} data-size="2xs">
          {purpose}
        </Heading>
        {consent.withdrawnAt ? <Tag>{m.cons_over()}</Tag> : <Tag data-color="success">{m.cons_live()}</Tag>}
      </div>
      <Facts
        facts={[
          [m.cons_what(), whatOf(consent)],
          [m.cons_whom(), consent.organization ?? m.cons_whom_gone()],
          [m.pnr_basis(), basisName[consent.legalBasis]()],
          [m.cons_version(), consent.textVersion],
          [m.cons_given(), formatMoment(new Date(consent.givenAt))],
          ...(consent.withdrawnAt ? [[m.cons_withdrawn(), formatMoment(new Date(consent.withdrawnAt))] as const] : []),
        ]}
      />
      {onWithdraw && (
        <div className="actions">
          <Button
            variant="secondary"
            data-color="danger"
            aria-label={m.cons_withdraw_named({ purpose })}
            onClick={onWithdraw}
          >
            {m.cons_withdraw()}
          </Button>
        </div>
      )}
    </li>
  )
}

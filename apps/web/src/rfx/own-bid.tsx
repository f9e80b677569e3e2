import { Button, Heading, List, Paragraph, Tag } from '@digdir/designsystemet-react'
import type { OpenedBid, Person, RfxBidItem } from '@nokkel/client'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { formatMoment } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import { useRestored } from '../drafts/use-draft.ts'
import * as m from '../paraglide/messages.js'
import { type BidDraft, BidForm, bidPlace } from './bid-form.tsx'
import { BidText } from './bid-text.tsx'
import { useProject } from './project.ts'
import { useHasPassed } from './use-has-passed.ts'
import { WorkDialog } from './work-dialog.tsx'

interface OwnBidProps {
  company: Person
  bid: RfxBidItem | undefined
  onChanged: () => Promise<void>
}

interface Writing {
  readonly before: OpenedBid | undefined
  readonly restored?: BidDraft
}

/** The bid of a company the person bids for: write, read, replace and withdraw it, and what happens at the deadline. */
export function OwnBid({ company, bid, onChanged }: OwnBidProps) {
  const { rfx, details } = useProject()
  const restored = useRestored<BidDraft>(bidPlace(rfx.id, company.id))
  const [writing, setWriting] = useState<Writing | undefined>(restored && { before: undefined, restored })
  const [withdrawing, setWithdrawing] = useState(false)
  const submitted = bid?.state === 'submitted' ? bid : undefined
  const passed = useHasPassed(details.deadline)
  const isOpen = details.status === 'approved' && !passed
  const read = useMutation({ mutationFn: (id: string) => rfx.openBid(id), gcTime: 0 })

  return (
    <section className="bid" aria-label={m.bid_own({ company: company.name })}>
      <div className="page-head">
        <Heading level={3} data-size="2xs">
          {m.bid_own({ company: company.name })}
        </Heading>
        {submitted ? (
          <Tag data-color="success">{m.bid_state_submitted()}</Tag>
        ) : (
          <Tag data-color="neutral">{bid?.state === 'withdrawn' ? m.bid_state_withdrawn() : m.bid_state_none()}</Tag>
        )}
      </div>
      {submitted?.submittedAt && (
        <p className="row-meta">
          <When at={submitted.submittedAt} text={(when) => m.bid_submitted({ when })} />
          {submitted.revision > 1 && <span>{m.doc_revision({ revision: submitted.revision })}</span>}
        </p>
      )}
      {writing ? (
        <BidForm
          company={company}
          before={writing.before}
          restored={writing.restored}
          replaces={submitted !== undefined}
          isOpen={isOpen}
          onSubmitted={async () => {
            read.reset()
            await onChanged()
            setWriting(undefined)
          }}
          onClose={() => setWriting(undefined)}
        />
      ) : (
        <>
          {isOpen && details.deadline && <WhatHappens when={formatMoment(details.deadline)} />}
          {!isOpen && !submitted && <Paragraph>{m.bid_too_late()}</Paragraph>}
          {read.isError && <Problem code={codeOf(read.error)} />}
          {read.data && <BidText bid={read.data} />}
          <div className="actions">
            {isOpen && !submitted && <Button onClick={() => setWriting({ before: undefined })}>{m.bid_write()}</Button>}
            {isOpen && submitted && (
              <Button
                loading={read.isPending}
                onClick={() => read.mutate(submitted.id, { onSuccess: (before) => setWriting({ before }) })}
              >
                {m.bid_replace()}
              </Button>
            )}
            {submitted && !read.data && (
              <Button variant="secondary" disabled={read.isPending} onClick={() => read.mutate(submitted.id)}>
                {m.bid_read()}
              </Button>
            )}
            {isOpen && submitted && (
              <Button variant="secondary" data-color="danger" onClick={() => setWithdrawing(true)}>
                {m.bid_withdraw()}
              </Button>
            )}
          </div>
        </>
      )}
      {withdrawing && (
        <WorkDialog
          title={m.bid_withdraw_title()}
          points={[m.bid_withdraw_gone(), m.bid_withdraw_again()]}
          confirm={m.bid_withdraw_confirm()}
          working={m.bid_withdrawing()}
          danger
          run={async () => {
            await rfx.withdrawBid(company.id)
            read.reset()
          }}
          onSettled={onChanged}
          onClose={() => setWithdrawing(false)}
        />
      )}
    </section>
  )
}

function WhatHappens({ when }: { when: string }) {
  return (
    <List.Unordered data-size="sm">
      <List.Item>{m.bid_rule_sealed({ when })}</List.Item>
      <List.Item>{m.bid_rule_change({ when })}</List.Item>
      <List.Item>{m.bid_rule_others()}</List.Item>
    </List.Unordered>
  )
}

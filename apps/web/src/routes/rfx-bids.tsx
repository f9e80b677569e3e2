import { Button, Heading, Paragraph, Tag } from '@digdir/designsystemet-react'
import { EnvelopeClosedIcon, EnvelopeOpenIcon, PadlockLockedIcon } from '@navikt/aksel-icons'
import type { RfxBidItem } from '@nokkel/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Empty } from '../components/empty.tsx'
import { codeOf } from '../components/explain.ts'
import { formatMoment } from '../components/format.ts'
import { ListSkeleton } from '../components/list-skeleton.tsx'
import { LockLine } from '../components/lock-line.tsx'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useBids } from '../queries/rfx.ts'
import { BidText } from '../rfx/bid-text.tsx'
import { ChangedKeys, NewRecipients } from '../rfx/key-notices.tsx'
import { OwnBid } from '../rfx/own-bid.tsx'
import { useProject } from '../rfx/project.ts'
import { useHasPassed } from '../rfx/use-has-passed.ts'
import { useLocale } from '../settings/locale.ts'

/** Bids: one's own to write, those of others to open after the deadline, and for everybody else why there is nothing to see. */
export function BidsPage() {
  useLocale()
  const { rfx, details, me } = useProject()
  const { deadline, status, myCompanies, openers, role } = details
  const isOpener = openers.some(({ id }) => id === me.id)
  const passed = useHasPassed(deadline)
  const isOpen = status === 'approved' || status === 'closed'
  const sees = isOpen && deadline !== null && (myCompanies.length > 0 || isOpener)
  const query = useBids(rfx, sees)
  const bids = query.data ?? []
  const others = bids.filter(({ mine, state }) => !mine && state === 'submitted')

  return (
    <section className="stack" aria-labelledby="bids">
      <Heading id="bids" level={2} data-size="xs">
        {m.rfx_part_bids()}
      </Heading>
      {deadline && (
        <LockLine>
          {passed
            ? m.bid_lock_passed({ when: formatMoment(deadline) })
            : m.bid_lock_sealed({ when: formatMoment(deadline) })}
        </LockLine>
      )}
      {role === 'supplier' && (
        <>
          <ChangedKeys />
          <NewRecipients />
        </>
      )}
      {sees && query.isPending && <ListSkeleton reason={m.bid_loading()} />}
      {query.isError && <Problem code={codeOf(query.error)} onRetry={() => void query.refetch()} />}
      {query.isSuccess &&
        myCompanies.map((company) => (
          <OwnBid
            key={company.id}
            company={company}
            bid={bids.find((bid) => bid.mine && bid.company.id === company.id)}
            onChanged={async () => {
              await query.refetch()
            }}
          />
        ))}
      {isOpener && passed && query.isSuccess && <OpenerBids bids={others} />}
      {!(sees && (myCompanies.length > 0 || (isOpener && passed))) && (
        <Empty icon={<PadlockLockedIcon aria-hidden />} {...whyNothing()} />
      )}
    </section>
  )

  /** Why somebody sees no bids here. */
  function whyNothing(): { title: string; body: string } {
    if (deadline === null) return { title: m.bid_none_title(), body: m.bid_none_body() }
    const when = formatMoment(deadline)
    if (!isOpen) return { title: m.bid_not_yet_title(), body: m.bid_not_yet_body({ when }) }
    if (isOpener) return { title: m.bid_sealed_title({ when }), body: m.bid_sealed_opener() }
    const names = openers.map(({ name }) => name).join(', ')
    if (role === 'supplier') return { title: m.bid_not_yours_title(), body: m.bid_not_yours_supplier() }
    return {
      title: passed ? m.bid_not_yours_title() : m.bid_sealed_title({ when }),
      body: names ? m.bid_not_yours_body({ names }) : m.bid_no_openers(),
    }
  }
}

function OpenerBids({ bids }: { bids: readonly RfxBidItem[] }) {
  if (bids.length === 0) {
    return <Empty icon={<EnvelopeOpenIcon aria-hidden />} title={m.bid_nobody_title()} body={m.bid_nobody_body()} />
  }
  return (
    <ul className="bids" aria-label={m.bid_received()}>
      {bids.map((bid) => (
        <li key={bid.id} className="bid">
          <OpenerBid bid={bid} />
        </li>
      ))}
    </ul>
  )
}

function OpenerBid({ bid: { id, company, submittedAt, openedAt } }: { bid: RfxBidItem }) {
  const { rfx } = useProject()
  const queries = useQueryClient()
  const open = useMutation({
    mutationFn: () => rfx.openBid(id),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['rfx', 'content', rfx.id, 'bids'] }),
    // What was read is plaintext: it goes with the page.
    gcTime: 0,
  })
  return (
    <>
      <div className="page-head">
        <div className="stack-tight">
          <Heading level={3} data-size="2xs">
            {company.name}
          </Heading>
          <p className="row-meta">
            {submittedAt && <When at={submittedAt} text={(when) => m.bid_submitted({ when })} />}
            {openedAt && <When at={openedAt} text={(when) => m.bid_opened({ when })} />}
          </p>
        </div>
        {open.isSuccess || openedAt ? (
          <Tag data-color="neutral">{m.bid_state_opened()}</Tag>
        ) : (
          <Tag data-color="success">{m.bid_state_sealed()}</Tag>
        )}
      </div>
      {open.isError && <Problem code={codeOf(open.error)} />}
      {open.data ? (
        <BidText bid={open.data} />
      ) : (
        <>
          {!openedAt && <Paragraph data-size="sm">{m.bid_open_recorded()}</Paragraph>}
          <div className="actions">
            <Button
              loading={open.isPending}
              aria-label={m.bid_open_named({ company: company.name })}
              onClick={() => open.mutate()}
            >
              {!open.isPending && <EnvelopeClosedIcon aria-hidden />}
              {open.isPending ? m.bid_opening() : m.bid_open()}
            </Button>
          </div>
        </>
      )}
    </>
  )
}

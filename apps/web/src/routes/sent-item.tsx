import { Button } from '@digdir/designsystemet-react'
import { ArrowsCirclepathIcon } from '@navikt/aksel-icons'
import type { AssignmentItem } from '@nokkel/client'
import { useState } from 'react'
import { codeOf } from '../components/explain.ts'
import { formatWhen } from '../components/format.ts'
import { Problem } from '../components/problem.tsx'
import { When } from '../components/when.tsx'
import * as m from '../paraglide/messages.js'
import { useOwnTitle } from '../queries/assignment.ts'
import { canResend, useResend } from '../queries/resend.ts'
import { DeliveryTags } from './delivery-tags.tsx'
import { SentDetails } from './sent-details.tsx'

export function SentItem({ item }: { item: AssignmentItem }) {
  const [showing, setShowing] = useState(false)
  const resend = useResend(item.id)
  const title = useOwnTitle(item) ?? m.sent_untitled({ when: formatWhen(item.sentAt) })
  const deliveries = item.deliveries ?? []

  return (
    <li className="row row-sent">
      <div className="row-text">
        <span className="row-title">{title}</span>
        <span className="row-meta">
          <span>{recipients(deliveries.map(({ name }) => name))}</span>
          <When at={item.sentAt} />
          {item.fileCount > 0 && <span>{m.file_count({ count: item.fileCount })}</span>}
        </span>
        <DeliveryTags deliveries={deliveries} />
      </div>
      <div className="row-actions">
        {canResend(deliveries) && (
          <Button
            data-color="ember"
            loading={resend.isPending}
            aria-label={m.sent_resend_for({ title })}
            onClick={() => resend.mutate()}
          >
            {!resend.isPending && <ArrowsCirclepathIcon aria-hidden />}
            {resend.isPending ? m.sent_resending() : m.sent_resend()}
          </Button>
        )}
        <Button variant="secondary" aria-label={m.sent_details_for({ title })} onClick={() => setShowing(true)}>
          {m.sent_details()}
        </Button>
      </div>
      {resend.isError && <Problem code={codeOf(resend.error)} onRetry={() => resend.mutate()} />}
      <p className={resend.isSuccess ? 'row-note' : 'ds-sr-only'} role="status">
        {resend.isSuccess && m.sent_resent()}
      </p>
      {showing && <SentDetails item={item} title={title} onClose={() => setShowing(false)} />}
    </li>
  )
}

function recipients(names: string[]): string {
  const [first = '', second, ...more] = names
  if (!second) return m.sent_to({ names: first })
  return more.length === 0
    ? m.sent_to({ names: `${first}, ${second}` })
    : m.sent_to_more({ names: `${first}, ${second}`, count: more.length })
}

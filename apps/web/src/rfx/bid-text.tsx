import type { OpenedBid } from '@nokkel/client'
import { formatAmount } from '../components/format.ts'
import * as m from '../paraglide/messages.js'
import { FileList } from '../routes/file-list.tsx'

/** What stands in a bid. */
export function BidText({ bid: { amount, text, files } }: { bid: OpenedBid }) {
  return (
    <div className="stack">
      <dl className="spec-fields">
        <div className="spec-field">
          <dt>{m.bid_amount()}</dt>
          <dd className={amount === null ? 'spec-empty' : 'bid-amount'}>
            {amount === null ? m.bid_no_amount() : formatAmount(amount)}
          </dd>
        </div>
      </dl>
      {text !== '' && <p className="comment-text">{text}</p>}
      {files.length > 0 && <FileList files={files} />}
    </div>
  )
}

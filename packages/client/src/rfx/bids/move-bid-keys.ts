import { encodeBase64Url, rewrapBidKey } from '@nokkel/crypto'
import { codeOf } from '../../errors.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import { whole } from '../rfx-error.ts'
import { listBids, submittedBid } from './stored-bid.ts'

/** Puts the own keys of bids under the present version of their groups. What somebody else moved first stays as it is. */
export async function moveBidKeys(opened: OpenedRfx): Promise<void> {
  const { id, call } = opened
  for (const bid of await listBids(opened)) {
    const submitted = bid.mine ? await submittedBid(bid) : undefined
    if (!submitted?.own) continue
    const { key: ownKey, version } = submitted.own
    const to = await opened.bidderGroup(submitted.companyId)
    if (version >= to.version) continue
    const from = { groupId: to.groupId, version, key: await opened.keyOf(version, to.groupId) }
    const moved = await whole('the own key of the bid', () => rewrapBidKey({ bidId: bid.id, ownKey, from, to }))
    const body = { version: to.version, old: encodeBase64Url(ownKey), new: encodeBase64Url(moved) }
    await call('moveBidKey', { params: { id, bidId: bid.id }, body }).catch((error: unknown) => {
      // The group has yet another version; whoever made it moves the key.
      if (codeOf(error) !== 'version_stale') throw error
    })
  }
}

import { NokkelError } from '../../errors.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import type { Rfx } from '../rfx-service.ts'

/** The bids of an opened project. */
export interface RfxBids extends Pick<Rfx, 'bids' | 'submitBid' | 'withdrawBid' | 'openBid'> {
  /** Puts the own keys of bids under the present version of their groups; after a group got a new one. */
  moveBidKeys(): Promise<void>
}

export function createRfxBids(_opened: OpenedRfx): RfxBids {
  throw new NokkelError('unavailable')
}

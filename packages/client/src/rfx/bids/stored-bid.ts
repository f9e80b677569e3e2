import type { RfxBid } from '@nokkel/contract'
import { type Bytes, decodeBase64Url } from '@nokkel/crypto'
import type { OpenedRfx } from '../opened-rfx.ts'
import { whole } from '../rfx-error.ts'

/** A bid as the server holds it, sealed. */
export interface SubmittedBid {
  readonly id: string
  readonly companyId: string
  readonly revision: number
  readonly authorId: string
  readonly content: Bytes
  readonly sealedPart: Bytes
  readonly openingVersion: number
  /** For the company that bids alone. */
  readonly own: { readonly key: Bytes; readonly version: number } | null
  readonly statement: string
}

export async function listBids({ id, call }: OpenedRfx): Promise<readonly RfxBid[]> {
  return (await call('listBids', { params: { id } })).bids
}

/** `undefined` for a bid that is only begun, or withdrawn. */
export async function submittedBid(bid: RfxBid): Promise<SubmittedBid | undefined> {
  const { id, company, revision, authorId, content, sealedPart, openingVersion, ownKey, ownVersion, statement } = bid
  if (authorId === null || content === null || sealedPart === null || openingVersion === null || statement === null) {
    return undefined
  }
  return whole('the bid', () => ({
    id,
    companyId: company.id,
    revision,
    authorId,
    content: decodeBase64Url(content),
    sealedPart: decodeBase64Url(sealedPart),
    openingVersion,
    own: ownKey === null || ownVersion === null ? null : { key: decodeBase64Url(ownKey), version: ownVersion },
    statement,
  }))
}

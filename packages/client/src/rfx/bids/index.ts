import type { RfxBid } from '@nokkel/contract'
import {
  type AssignmentFile,
  decodeBase64Url,
  encodeBase64Url,
  encodeRfxBidContent,
  openOwnRfxBid,
  openRfxBid,
  parseRfxBidContent,
  sealRfxBid,
  verifyRfxBid,
} from '@nokkel/crypto'
import { createOpenedFile } from '../../assignments/opened-file.ts'
import { codeOf, NokkelError } from '../../errors.ts'
import { createUploads, rfxFileContext } from '../content/uploads.ts'
import { dateOf } from '../details.ts'
import type { OpenedRfx } from '../opened-rfx.ts'
import type { BidContent, OpenedBid, Rfx, RfxBidItem } from '../rfx.ts'
import { whole } from '../rfx-error.ts'
import { moveBidKeys } from './move-bid-keys.ts'
import { listBids, type SubmittedBid, submittedBid } from './stored-bid.ts'

/** The bids of an opened project. */
export interface RfxBids extends Pick<Rfx, 'bids' | 'submitBid' | 'withdrawBid' | 'openBid'> {
  /** Puts the own keys of bids under the present version of their groups; after a group got a new one. */
  moveBidKeys(): Promise<void>
}

const fileLimit = 50
const attemptLimit = 5

/** Seals and opens bids. */
export function createRfxBids(opened: OpenedRfx): RfxBids {
  const { id, organizationId, call, now } = opened
  const uploads = createUploads(opened)

  return {
    async bids() {
      return (await listBids(opened)).map(itemOf)
    },
    async submitBid(companyId, content, options = {}) {
      const { files } = content
      if (files.length > fileLimit) throw new RangeError(`content.files must be at most ${fileLimit}`)
      encode(content, [])
      await opened.bidderGroup(companyId)
      const { bidId, serverPart } = await begin(companyId)
      try {
        // A colleague's bid that comes after this is not replaced unseen.
        const before = (await listBids(opened)).find((bid) => bid.id === bidId)
        const revision = (before?.revision ?? 0) + 1
        const target = { purpose: 'rfx-bid-file', object: bidId, key: () => opened.bidderGroup(companyId) } as const
        return await uploads.run(files, target, options, async (stored) => {
          const sent = stored.map(({ file }) => file)
          const plaintext = encode(content, sent)
          try {
            return itemOf(await submit({ companyId, bidId, revision, plaintext, serverPart, sent }, options.signal))
          } finally {
            plaintext.fill(0)
          }
        })
      } finally {
        serverPart.fill(0)
      }
    },
    async withdrawBid(companyId) {
      await call('withdrawBid', { params: { id, companyId } }).catch(async (error: unknown) => {
        // An answer may have been lost.
        const bids = codeOf(error) === 'not_found' ? await listBids(opened) : []
        if (!bids.some(({ mine, company, state }) => mine && company.id === companyId && state === 'withdrawn'))
          throw error
      })
    },
    async openBid(bidId) {
      const bid = (await listBids(opened)).find((listed) => listed.id === bidId)
      // Why it is not to be seen yet, says whoever releases it.
      if (!bid) await call('releaseBidPart', { params: { id, bidId } })
      const submitted = bid && (await submittedBid(bid))
      if (!submitted) throw new NokkelError('not_found')
      await verify(submitted)
      const plaintext = await (submitted.own ? openOwn(submitted) : openReleased(submitted))
      const content = await whole('the bid', () => parseRfxBidContent(plaintext))
      plaintext.fill(0)
      const files = content.files.map((file) => {
        return createOpenedFile(call, rfxFileContext('rfx-bid-file', file.blobId, bidId), file)
      })
      return { text: content.text, amount: content.amount, currency: content.currency, files } satisfies OpenedBid
    },
    moveBidKeys: () => moveBidKeys(opened),
  }

  async function begin(companyId: string) {
    const body = { bidId: crypto.randomUUID(), companyId }
    const { bidId, serverPart } = await call('beginBid', { params: { id }, body })
    return { bidId, serverPart: await whole('the part of the server', () => decodeBase64Url(serverPart)) }
  }

  async function submit(
    bid: {
      readonly companyId: string
      readonly bidId: string
      readonly revision: number
      readonly plaintext: Uint8Array
      readonly serverPart: Uint8Array
      readonly sent: readonly AssignmentFile[]
    },
    signal: AbortSignal | undefined,
  ): Promise<RfxBid> {
    const { companyId, bidId, revision, plaintext, serverPart, sent } = bid
    for (let attempt = 1; ; attempt++) {
      const bidder = await opened.bidderGroup(companyId)
      const { version: openingVersion, publicKey: sealTo } = await opened.sealTo()
      const author = await opened.author()
      const ids = { organizationId, rfxId: id, bidId, companyId }
      const sealed = await sealRfxBid({ ...ids, revision, plaintext, serverPart, sealTo, bidder, author, now })
      const body = {
        companyId,
        content: encodeBase64Url(sealed.content),
        sealedPart: encodeBase64Url(sealed.sealedPart),
        openingVersion,
        ownKey: encodeBase64Url(sealed.ownKey),
        ownVersion: bidder.version,
        statement: sealed.statement,
        blobs: sent.map(({ blobId }) => blobId),
      }
      try {
        return await call('submitBid', { params: { id, bidId }, body }, { signal })
      } catch (error) {
        const code = codeOf(error)
        if ((code !== 'version_stale' && code !== 'rekey_pending') || attempt === attemptLimit) throw error
        await opened.refresh()
      }
    }
  }

  async function verify(bid: SubmittedBid): Promise<void> {
    const { companyId, content, sealedPart, statement } = bid
    const verified = await whole('the bid', () =>
      verifyRfxBid({ statement, organizationId, rfxId: id, bidId: bid.id, companyId, content, sealedPart }),
    )
    if (verified.revision !== bid.revision || verified.author.userId !== bid.authorId) {
      throw new NokkelError('rfx_tampered')
    }
    await opened.requireSigner(verified.author)
  }

  async function openOwn({ id: bidId, companyId, content, own }: SubmittedBid) {
    const group = opened.fetched().groups.find((each) => each.kind === 'bidder' && each.companyId === companyId)
    if (!group || !own) throw new NokkelError('waiting_for_key')
    if (own.version > group.version) await opened.refresh()
    const bidder = { groupId: group.id, version: own.version, key: await opened.keyOf(own.version, group.id) }
    return whole('the bid', () => openOwnRfxBid({ bidId, companyId, bidder, ownKey: own.key, content }))
  }

  async function openReleased({ id: bidId, companyId, content, sealedPart, openingVersion }: SubmittedBid) {
    const openingKeyPair = await opened.openingKeyPair(openingVersion)
    const released = await call('releaseBidPart', { params: { id, bidId } })
    return whole('the bid', async () => {
      const serverPart = decodeBase64Url(released.serverPart)
      try {
        return await openRfxBid({ rfxId: id, bidId, companyId, openingKeyPair, serverPart, sealedPart, content })
      } finally {
        serverPart.fill(0)
      }
    })
  }
}

function encode({ text, amount, currency }: BidContent, files: readonly AssignmentFile[]) {
  return encodeRfxBidContent({ text, amount, currency, files })
}

function itemOf({ id, company, mine, state, revision, submittedAt, openedAt }: RfxBid): RfxBidItem {
  return { id, company, mine, state, revision, submittedAt: dateOf(submittedAt), openedAt: dateOf(openedAt) }
}

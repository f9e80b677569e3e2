import type { ParsedOf, RfxGroup } from '@nokkel/contract'
import * as contract from '@nokkel/contract'
import {
  decodeBase64Url,
  deriveOpeningKeyPair,
  encodeBase64Url,
  encodeRfxBidContent,
  openOwnRfxBid,
  openRfxBid,
  parseRfxBidContent,
  type RfxBidContent,
  type RfxGroupKind,
  rewrapBidKey,
  sealRfxBid,
  verifyRfxManifests,
} from '@nokkel/crypto'
import type { BiddingCast } from './bidding-cast.ts'
import { distribute, openGroup, openVersion } from './keys.ts'
import { answerOf, type RfxApi, type RfxPerson, signerOf } from './person.ts'
import { createGroup, createProjectAt, inOneHour } from './projects.ts'

/** Begins the bid of a company. Begun before, it is that one. */
export async function beginBid(
  api: RfxApi,
  bidder: RfxPerson,
  rfxId: string,
  companyId: string,
): Promise<{ readonly bidId: string; readonly serverPart: string }> {
  return answerOf(api, contract.beginBid, bidder, {
    params: { id: rfxId },
    body: { bidId: crypto.randomUUID(), companyId },
  })
}

export interface BidOptions {
  readonly companyId: string
  readonly text?: string
  readonly blobs?: readonly string[]
}

/** A begun bid as its author would submit it. `changed` is what they get wrong. */
export async function makeBid(
  api: RfxApi,
  author: RfxPerson,
  rfxId: string,
  { companyId, text = 'Som beskrevet.', blobs = [] }: BidOptions,
  changed: Partial<Parameters<typeof sealRfxBid>[0]> = {},
): Promise<{ readonly bidId: string; readonly body: ParsedOf<typeof contract.submitBid>['body'] }> {
  const { bidId, serverPart } = await beginBid(api, author, rfxId, companyId)
  const { groups } = (await answerOf(api, contract.getRfx, author, { params: { id: rfxId } })) as {
    groups: RfxGroup[]
  }
  const find = (kind: RfxGroupKind, company?: string): RfxGroup => {
    const group = groups.find((one) => one.kind === kind && (company === undefined || one.companyId === company))
    if (!group) throw new Error(`There is no ${kind} group.`)
    return group
  }
  const organizationId = author.claims.organization
  const opening = find('opening')
  const [manifest] = await verifyRfxManifests(
    opening.manifest.map(({ statement, leaves }) => ({ statement, leaves: decodeBase64Url(leaves) })),
    { organizationId, groupId: opening.id, kind: 'opening', version: opening.version },
  )
  const sealTo = manifest.sealTo
  if (!sealTo) throw new Error('An opening group has a public key.')
  const { group: bidder, key } = await openGroup(api, author, find('bidder', companyId).id)
  const bids = (await answerOf(api, contract.listBids, author, { params: { id: rfxId } })).bids as contract.RfxBid[]
  const { content, sealedPart, ownKey, statement } = await sealRfxBid({
    organizationId,
    rfxId,
    bidId,
    companyId,
    revision: (bids.find(({ id }) => id === bidId)?.revision ?? 0) + 1,
    plaintext: encodeRfxBidContent({ text, amount: '2400000.00', currency: 'NOK', files: [] }),
    serverPart: decodeBase64Url(serverPart),
    sealTo,
    bidder: { groupId: bidder.id, version: bidder.version, key },
    author: signerOf(author),
    ...changed,
  })
  return {
    bidId,
    body: {
      companyId,
      content: encodeBase64Url(content),
      sealedPart: encodeBase64Url(sealedPart),
      openingVersion: opening.version,
      ownKey: encodeBase64Url(ownKey),
      ownVersion: bidder.version,
      statement,
      blobs: [...blobs],
    },
  }
}

export async function submitBid(
  api: RfxApi,
  author: RfxPerson,
  rfxId: string,
  options: BidOptions,
): Promise<contract.RfxBid> {
  const { bidId, body } = await makeBid(api, author, rfxId, options)
  return answerOf(api, contract.submitBid, author, { params: { id: rfxId, bidId }, body })
}

/** The own key of a bid under the present version of its bidder group, as the operation takes it. */
export async function makeBidMove(
  api: RfxApi,
  person: RfxPerson,
  bidderGroupId: string,
  { id: bidId, ownKey, ownVersion }: contract.RfxBid,
): Promise<ParsedOf<typeof contract.moveBidKey>['body']> {
  const opened = await openGroup(api, person, bidderGroupId)
  const version = ownVersion ?? 0
  const next = await rewrapBidKey({
    bidId,
    ownKey: decodeBase64Url(ownKey ?? ''),
    from: { groupId: bidderGroupId, version, key: await openVersion(opened, version) },
    to: { groupId: bidderGroupId, version: opened.group.version, key: opened.key },
  })
  return { version: opened.group.version, old: ownKey ?? '', new: encodeBase64Url(next) }
}

/** A project that waits for bids, with its groups. */
export interface BiddingProject {
  readonly id: string
  readonly openingId: string
  /** Of the bidder groups. */
  readonly firstId: string
  readonly secondId: string
}

/** A project that both suppliers may bid in; Kari opens, and every key is at everyone who may have it. */
export async function createBiddingProject(
  api: RfxApi,
  { kari, developer, bjorn, aile, companies }: BiddingCast,
  deadline = inOneHour(),
): Promise<BiddingProject> {
  const id = await createProjectAt(api, {
    buyer: kari,
    developer,
    companyId: companies.buyer,
    suppliers: [companies.first, companies.second],
    openers: [kari],
    deadline,
  })
  const { groups } = (await answerOf(api, contract.getRfx, kari, { params: { id } })) as { groups: RfxGroup[] }
  const firstId = await createGroup(api, bjorn, id, 'bidder', companies.first)
  await distribute(api, bjorn, firstId)
  const secondId = await createGroup(api, aile, id, 'bidder', companies.second)
  return { id, openingId: groups.find(({ kind }) => kind === 'opening')?.id ?? '', firstId, secondId }
}

/** What a bid says to an opener, whom the server gives its part. */
export async function openBid(
  api: RfxApi,
  opener: RfxPerson,
  { id: rfxId, openingId }: Pick<BiddingProject, 'id' | 'openingId'>,
  { id: bidId, company, openingVersion, content, sealedPart }: contract.RfxBid,
): Promise<RfxBidContent> {
  const { serverPart } = await answerOf(api, contract.releaseBidPart, opener, { params: { id: rfxId, bidId } })
  const key = await openVersion(await openGroup(api, opener, openingId), openingVersion ?? 0)
  const opened = await openRfxBid({
    rfxId,
    bidId,
    companyId: company.id,
    openingKeyPair: await deriveOpeningKeyPair(key),
    serverPart: decodeBase64Url(serverPart),
    sealedPart: decodeBase64Url(sealedPart ?? ''),
    content: decodeBase64Url(content ?? ''),
  })
  return parseRfxBidContent(opened)
}

/** What a bid says to those who made it. */
export async function openOwnBid(
  api: RfxApi,
  bidder: RfxPerson,
  groupId: string,
  { id: bidId, company, ownKey, ownVersion, content }: contract.RfxBid,
): Promise<RfxBidContent> {
  const version = ownVersion ?? 0
  const key = await openVersion(await openGroup(api, bidder, groupId), version)
  const opened = await openOwnRfxBid({
    bidId,
    companyId: company.id,
    bidder: { groupId, version, key },
    ownKey: decodeBase64Url(ownKey ?? ''),
    content: decodeBase64Url(content ?? ''),
  })
  return parseRfxBidContent(opened)
}
